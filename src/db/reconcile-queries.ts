import type { TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';

/**
 * What may disagree with Temporal or with itself (P35), older than `olderThanSeconds`, in pages: each answers at
 * most `limit` rows after the id `after`, ordered by that id.
 */
export interface ReconcilePage {
  readonly olderThanSeconds: number;
  readonly after?: string;
  readonly limit: number;
}

export interface StalePlannedAttempt {
  readonly attemptId: string;
  readonly taskId: string;
  readonly workflowId: string;
  readonly gatewayId: string;
  readonly ownerHost: string | null;
  /** Temporal has acknowledged its start or signal. */
  readonly isDelivered: boolean;
  readonly plannedForMs: number;
}

/** Attempts that are still `planned`, whatever their workflow does; none of before a restore (P36). */
export function stalePlannedAttempts(
  db: Database,
  page: ReconcilePage,
): Promise<StalePlannedAttempt[]> {
  return db.call('stale_planned_attempts', page);
}

export interface WorkflowTask {
  readonly taskId: string;
  readonly workflowId: string;
  readonly state: Extract<TaskState, 'dispatched' | 'backoff' | 'deciding'>;
  readonly tenant: string;
  readonly swarmId: string | null;
  readonly correlationId: string;
  readonly runLimitSeconds: number;
  /** The last attempt, open or closed. */
  readonly attemptId: string;
  readonly attemptState: string;
  readonly gatewayId: string;
}

/** Tasks that a running workflow must carry: dispatched, backoff, deciding. */
export function tasksNeedingWorkflow(db: Database, page: ReconcilePage): Promise<WorkflowTask[]> {
  return db.call('tasks_needing_workflow', page);
}

/** Swarms that a running workflow must carry. */
export function openSwarms(
  db: Database,
  page: ReconcilePage,
): Promise<{ swarmId: string; workflowId: string; tenant: string; dirty: boolean }[]> {
  return db.call('open_swarms', page);
}

/** Swarms whose news nobody has read for so long. */
export function staleDirtySwarms(
  db: Database,
  page: ReconcilePage,
): Promise<{ swarmId: string; workflowId: string }[]> {
  return db.call('stale_dirty_swarms', page);
}

/** Of these task ids those whose row is open: a running workflow of any other has no work. */
export async function openAmong(db: Database, taskIds: readonly string[]): Promise<Set<string>> {
  const ids = await db.call<string[]>('open_among', { taskIds });
  return new Set(ids);
}

export interface UndeliveredCancel {
  readonly taskId: string;
  readonly workflowId: string;
  readonly attemptId: string | null;
  readonly gatewayId: string | null;
}

/** Open tasks whose cancel was asked for so long ago (P28). */
export function undeliveredCancels(
  db: Database,
  page: ReconcilePage,
): Promise<UndeliveredCancel[]> {
  return db.call('undelivered_cancels', page);
}

export interface UnappliedDecision {
  readonly taskId: string;
  readonly attemptId: string;
  readonly workflowId: string;
  readonly decision: unknown;
  readonly actor: string;
}

/** Indeterminate attempts on which a person decided so long ago (P29). */
export function unappliedDecisions(
  db: Database,
  page: ReconcilePage,
): Promise<UnappliedDecision[]> {
  return db.call('unapplied_decisions', page);
}

export interface HeadlessSession {
  readonly sessionId: number;
  readonly tenant: string;
  readonly key: string;
}

/** Sessions whose first open task waits behind nobody (P3). `after` is a session id, as text. */
export function sessionsWithoutHead(db: Database, page: ReconcilePage): Promise<HeadlessSession[]> {
  return db.call('sessions_without_head', page);
}

/** Makes the first open task of a session its head, by the rule; false: nothing was wrong. */
export async function repairSessionHead(db: Database, sessionId: number): Promise<boolean> {
  const { repaired } = await db.call<{ repaired: boolean }>('repair_session_head', { sessionId });
  return repaired;
}

/** Tasks that were `blocked{conflict}` by a claim (P13) and have no open attempt. */
export function blockedByConflict(
  db: Database,
  page: ReconcilePage,
): Promise<{ taskId: string }[]> {
  return db.call('blocked_by_conflict', page);
}

/** Queues a task again that was blocked by a conflict which is gone; false: it is not, or not any more. */
export async function repairConflict(db: Database, taskId: string): Promise<boolean> {
  const { repaired } = await db.call<{ repaired: boolean }>('repair_conflict', { taskId });
  return repaired;
}

export interface SilentOwner {
  readonly gatewayId: string;
  readonly ownerHost: string;
  readonly ownerEpoch: number;
  readonly lastSeenAt: string | null;
}

/** Gateways that should be running and whose owner has written nothing for so long. */
export function silentOwners(db: Database, page: ReconcilePage): Promise<SilentOwner[]> {
  return db.call('silent_owners', page);
}

/**
 * Writes another workflow id into a task's row, before that workflow is started (P17): only when the row still has
 * `expected`, and is open.
 */
export async function setTaskWorkflowId(
  db: Database,
  options: { readonly taskId: string; readonly expected: string; readonly workflowId: string },
): Promise<boolean> {
  const { written } = await db.call<{ written: boolean }>('set_task_workflow_id', options);
  return written;
}
