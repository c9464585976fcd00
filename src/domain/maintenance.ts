/**
 * Reconcile (P35): what may disagree between rows, workflows and gateways, and what is done about it by rule. Never
 * a blind send: at most a workflow is started, whose first step is to look.
 */

export const MAINTENANCE_SCHEDULE_ID = 'dash-maintenance';
export const MAINTENANCE_WORKFLOW_ID = 'maintenance';

/** Every kind of mismatch, in the order in which they are looked for. */
export const MISMATCH_KINDS = [
  /** An attempt that nobody began to send: its task goes back into the queue. */
  'attempt-not-delivered',
  /** A task that is under way and that no running workflow carries: it is carried on. */
  'task-without-workflow',
  /** A cancel that stands in the row and has not arrived: it is signalled again. */
  'cancel-undelivered',
  /** A person's decision that nobody applied: it is signalled again. */
  'decision-unapplied',
  /** An open swarm that no running workflow carries: its workflow is started. */
  'swarm-without-workflow',
  /** A swarm whose news nobody has read: it is signalled. */
  'swarm-unread',
  /** A registered gateway without its workflow: it is started. */
  'gateway-without-workflow',
  /** A running workflow whose row has ended, or is not there. */
  'workflow-without-row',
  /** A session in which the first open task waits behind nobody: it becomes the head. */
  'session-without-head',
  /** A task that a claim set aside because it seemed to run already (P13), and does not. */
  'task-in-conflict',
  /** A gateway whose owner gives no sign. */
  'owner-gone',
] as const;
export type MismatchKind = (typeof MISMATCH_KINDS)[number];
