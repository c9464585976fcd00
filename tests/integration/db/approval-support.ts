import type { ApprovalGate } from '../../../src/domain/approval.ts';
import {
  decideApproval,
  getApproval,
  type ApprovalRecord,
  type DecideApprovalResult,
} from '../../../src/db/approval-store.ts';
import type { Database } from '../../../src/db/database.ts';

/** A gate with every default filled in. */
export function gateOf(fields: Partial<ApprovalGate> = {}): ApprovalGate {
  return {
    prompt: null,
    approvers: null,
    expiresInSeconds: null,
    onExpiry: 'reject',
    escalateTo: null,
    escalateAfterSeconds: null,
    ...fields,
  };
}

export function decideAs(
  db: Database,
  approvalId: string | null,
  decision: 'approved' | 'rejected',
  name = 'ann',
  comment: string | null = null,
): Promise<DecideApprovalResult> {
  return decideApproval(db, {
    approvalId: approvalId ?? '',
    decision,
    comment,
    actor: `key:${name}`,
    names: [name, `key:${name}`],
  });
}

export async function approvalOf(db: Database, approvalId: string | null): Promise<ApprovalRecord> {
  const found = await getApproval(db, approvalId ?? '');
  if (found === null) throw new Error(`there is no approval ${approvalId ?? ''}`);
  return found;
}

/** Everything that waits for a decision is out of time. */
export async function letApprovalsExpire(db: Database): Promise<void> {
  await db.rows(
    `update dash.approvals set expires_at = expires_at - interval '2 hours' where state = 'open'`,
  );
}

/** Types of the events of approvals, in their order. */
export async function approvalEvents(db: Database): Promise<string[]> {
  const rows = await db.rows<{ type: string }>(
    `select type from dash.events where type like 'approval.%' order by seq`,
  );
  return rows.map(({ type }) => type);
}
