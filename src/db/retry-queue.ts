import type { RunFailure } from '../domain/failure.ts';
import type { TaskEnd, TaskState } from '../domain/task.ts';
import type { TaskStep } from '../domain/task-step.ts';
import type { Database } from './database.ts';
import type { Settled } from './settle.ts';

/** Another attempt is already under way. */
export interface AlreadyDispatched {
  readonly kind: 'dispatched';
  readonly attemptId: string;
  readonly gatewayId: string;
}

export interface TaskStands {
  readonly kind: 'stands';
  readonly state: TaskState;
  readonly end: TaskEnd | null;
}

export type BackOffResult =
  { readonly kind: 'backoff'; readonly dueAt: string } | Settled | AlreadyDispatched | TaskStands;

/**
 * After a failed attempt: `dispatched → backoff` for `delayMs`, by the clock of PostgreSQL; the answer's `dueAt` is ISO
 * 8601. Conditional on the attempt being the task's last and closed. A task that is to end early is settled instead. Repeating it changes nothing.
 */
export function backOffTask(
  db: Database,
  options: {
    readonly taskId: string;
    readonly attemptId: string;
    readonly delayMs: number;
    readonly failure: RunFailure;
  },
): Promise<BackOffResult> {
  return db.call('back_off', options);
}

/** Back in the queue; `held` while its swarm is paused. */
export interface Queued {
  readonly kind: 'queued';
  readonly state: 'queued' | 'held';
}

export type RequeueResult = Queued | Settled | AlreadyDispatched | TaskStands;

/**
 * Back into the queue with its old seq (P20): from `backoff`, or from `dispatched` when its last attempt is closed.
 * A task that is to end early, or whose deadline has passed, is settled instead. After an attempt that the gateway
 * may have accepted, only that gateway may claim it again, unless the task is idempotent (P27).
 */
export function requeueTask(
  db: Database,
  options: { readonly taskId: string; readonly attemptId: string },
): Promise<RequeueResult> {
  return db.call('requeue', options);
}

/** Where the task stands for its workflow (P20); null: there is no such task. */
export function readTaskStep(db: Database, taskId: string): Promise<TaskStep | null> {
  return db.call('task_step', { taskId });
}
