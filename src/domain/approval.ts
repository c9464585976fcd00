/**
 * A person's word before work goes on: as a gate on a task, which is `held` until then, or as a step of a swarm,
 * which has no task at all.
 */

/** withdrawn: what it was for ended before anybody decided. */
export const APPROVAL_STATES = ['open', 'approved', 'rejected', 'withdrawn'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** What happens when nobody decides in time. */
export const EXPIRY_POLICIES = ['reject', 'approve', 'escalate'] as const;
export type ExpiryPolicy = (typeof EXPIRY_POLICIES)[number];

/** What is asked, of whom, and for how long; every default filled in. */
export interface ApprovalGate {
  /** null: the task's own prompt speaks for itself. */
  readonly prompt: string | null;
  /** Names of API keys, or actors (`key:<id>`); null: whoever may write approvals. */
  readonly approvers: readonly string[] | null;
  /** Time to decide, for those who are asked first and for those it is escalated to; null: without end. */
  readonly expiresInSeconds: number | null;
  readonly onExpiry: ExpiryPolicy;
  /** With `escalate` only: who is asked then, instead. */
  readonly escalateTo: readonly string[] | null;
  /** With `escalate` only: time of those who are asked first, where it is another one. */
  readonly escalateAfterSeconds: number | null;
}
