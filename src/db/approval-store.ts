import type { ApprovalGate, ApprovalState, ExpiryPolicy } from '../domain/approval.ts';
import type { Database } from './database.ts';

/** An approval as lists carry it. Of a task, or of a swarm's step: then `nodeId` is set and `taskId` is not. */
export interface ApprovalSummary {
  readonly id: string;
  readonly seq: number;
  readonly tenant: string;
  readonly taskId: string | null;
  readonly swarmId: string | null;
  readonly nodeId: string | null;
  /** The beginning of what is asked. */
  readonly excerpt: string;
  readonly state: ApprovalState;
  /** Who may decide now; null: whoever may write approvals. */
  readonly approvers: readonly string[] | null;
  readonly expiresAt: string | null;
  readonly onExpiry: ExpiryPolicy;
  readonly escalateTo: readonly string[] | null;
  readonly escalatedAt: string | null;
  readonly requestedBy: string | null;
  /** null with a decision: time decided. */
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly comment: string | null;
  readonly correlationId: string;
  readonly createdAt: string;
}

export interface ApprovalRecord extends ApprovalSummary {
  /** The words of the approval, else the task's own prompt. */
  readonly prompt: string;
}

/** null: there is none. */
export function getApproval(db: Database, approvalId: string): Promise<ApprovalRecord | null> {
  return db.call('get_approval', { approvalId });
}

/** Newest first; `before` is the seq of the last one of the page before. */
export function listApprovals(
  db: Database,
  options: {
    readonly states?: readonly ApprovalState[];
    readonly tenant?: string;
    readonly taskId?: string;
    readonly swarmId?: string;
    readonly before?: number;
    readonly limit: number;
  },
): Promise<ApprovalSummary[]> {
  return db.call('list_approvals', options);
}

/** Those that wait for a decision; both rows always, so that none reads as zero. */
export function openApprovalCounts(
  db: Database,
): Promise<{ readonly escalated: boolean; readonly count: number }[]> {
  return db.call('open_approval_counts', {});
}

export type DecideApprovalResult =
  | {
      readonly kind: 'decided';
      readonly approval: ApprovalSummary;
      /** The swarm whose node it is, or whose task ended with it. */
      readonly swarmId: string | null;
      /** That swarm had no news before: signal its workflow (P31). */
      readonly swarmBecameDirty: boolean;
    }
  /** Somebody, or time, was first: what stands. */
  | { readonly kind: 'decided-before'; readonly approval: ApprovalSummary }
  | { readonly kind: 'not-approver'; readonly approvers: readonly string[] }
  | { readonly kind: 'not-found' };

/**
 * Writes what a person decided, and what follows from it, in one transaction; the first decision counts. Approved: a
 * task goes to where it belongs now with its old seq, a step is completed and its output is the comment. Rejected: a
 * task ends as `cancelled` (reason `rejected`) through settle (P6), a step fails.
 */
export function decideApproval(
  db: Database,
  options: {
    readonly approvalId: string;
    readonly decision: 'approved' | 'rejected';
    readonly comment: string | null;
    readonly actor: string;
    /** What a list of approvers may call the one who decides. */
    readonly names: readonly string[];
  },
): Promise<DecideApprovalResult> {
  return db.call('decide_approval', options);
}

export type OpenStepResult =
  | { readonly kind: 'opened' | 'existing'; readonly approvalId: string }
  /** The swarm is paused, being cancelled, or has ended; or the node has ended. */
  | { readonly kind: 'not-admitting' }
  | { readonly kind: 'not-found' };

/** Opens the approval of a swarm's node; idempotent by node. */
export function openApprovalStep(
  db: Database,
  step: {
    readonly swarmId: string;
    readonly nodeId: string;
    /** Of `newId('approval')`; unused when the node has its approval already. */
    readonly approvalId: string;
    readonly gate: ApprovalGate;
  },
): Promise<OpenStepResult> {
  return db.call('open_approval_step', step);
}

/** Takes an open step back, because its swarm stops: the node is skipped. */
export function withdrawApprovalStep(
  db: Database,
  step: { readonly approvalId: string; readonly reason: string },
): Promise<{ readonly withdrawn: boolean }> {
  return db.call('withdraw_approval_step', step);
}
