import type { Approval, ApprovalSummary } from '../src/contract/approvals.ts';
import type { ApprovalRecord, ApprovalSummary as ApprovalRow } from '../src/db/approval-store.ts';

/** Rows as the API shows them. Every property is named here, so that a new column never leaves by accident. */

export function approvalSummaryDto(row: ApprovalRow): ApprovalSummary {
  return {
    id: row.id,
    seq: row.seq,
    tenant: row.tenant,
    kind: row.nodeId === null ? 'task' : 'step',
    taskId: row.taskId,
    swarmId: row.swarmId,
    nodeId: row.nodeId,
    excerpt: row.excerpt,
    state: row.state,
    approvers: row.approvers === null ? null : [...row.approvers],
    expiresAt: row.expiresAt,
    onExpiry: row.onExpiry,
    escalateTo: row.escalateTo === null ? null : [...row.escalateTo],
    escalatedAt: row.escalatedAt,
    requestedBy: row.requestedBy,
    decidedBy: row.decidedBy,
    decidedAt: row.decidedAt,
    comment: row.comment,
    correlationId: row.correlationId,
    createdAt: row.createdAt,
  };
}

export function approvalDto(row: ApprovalRecord): Approval {
  return { ...approvalSummaryDto(row), prompt: row.prompt };
}
