import { newId } from '../platform/ids.ts';
import { taskWorkflowId } from '../domain/names.ts';
import type { TaskFailure } from '../domain/task.ts';
import type { BoundReached } from './accept.ts';
import type { Database } from './database.ts';
import type { TaskSummary } from './task-record.ts';

export interface DeadLetter {
  readonly taskId: string;
  readonly reason: TaskFailure['reason'];
  readonly state: 'open' | 'replayed' | 'discarded';
  readonly replayTaskId: string | null;
  readonly createdAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
}

/** The dead letter is closed already: what stands. */
export interface DeadLetterStands {
  readonly kind: 'stands';
  readonly state: 'replayed' | 'discarded';
  /** The task that an earlier replay made. */
  readonly replay: TaskSummary | null;
}

export type ReplayResult =
  | { readonly kind: 'replayed'; readonly task: TaskSummary }
  | DeadLetterStands
  | BoundReached
  | { readonly kind: 'not-found' };

/**
 * Replays a dead letter (P30): a new task with the same content, `replayOf` this one, at the end of its session, no
 * node of the old swarm. The first of replay and discard wins. `again` asks for another replay, and gets one only
 * when the task of the former has ended.
 */
export function replayDeadLetter(
  db: Database,
  options: { readonly taskId: string; readonly actor: string; readonly again?: boolean },
): Promise<ReplayResult> {
  const newTaskId = newId('task');
  return db.call('replay_dead_letter', {
    ...options,
    newTaskId,
    workflowId: taskWorkflowId(newTaskId),
  });
}

export type DiscardResult =
  { readonly kind: 'discarded' } | DeadLetterStands | { readonly kind: 'not-found' };

/** Closes a dead letter for good (P30); the first of replay and discard wins. */
export function discardDeadLetter(
  db: Database,
  options: { readonly taskId: string; readonly actor: string },
): Promise<DiscardResult> {
  return db.call('discard_dead_letter', options);
}

/** The dead letter of a task; null: the task has none. */
export function getDeadLetter(db: Database, taskId: string): Promise<DeadLetter | null> {
  return db.call('get_dead_letter', { taskId });
}
