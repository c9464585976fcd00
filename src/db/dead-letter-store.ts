import { newId } from '../platform/ids.ts';
import { taskWorkflowId } from '../domain/names.ts';
import type { FailureClass } from '../domain/failure.ts';
import type { Misplaced } from '../domain/placement.ts';
import type { Priority, TaskFailure } from '../domain/task.ts';
import type { BoundReached } from './accept.ts';
import type { Database } from './database.ts';
import type { TaskSummary } from './task-record.ts';

/** What became of a dead letter: it waits for somebody, or was closed by a replay or a discard. */
export const DEAD_LETTER_STATES = ['open', 'replayed', 'discarded'] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export interface DeadLetter {
  readonly taskId: string;
  readonly seq: number;
  readonly tenant: string;
  readonly pool: string;
  readonly sessionKey: string | null;
  readonly swarmId: string | null;
  readonly agent: string;
  readonly priority: Priority;
  readonly reason: TaskFailure['reason'];
  readonly message: string | null;
  /** Of the last failed run; null: the letter was not made by one. */
  readonly failureClass: FailureClass | null;
  /** Of the last attempt; null: there was none. */
  readonly gatewayId: string | null;
  /** Attempts that were not released. */
  readonly attempts: number;
  readonly state: DeadLetterState;
  /** What the person wrote who discarded it. */
  readonly note: string | null;
  readonly replayTaskId: string | null;
  /** The bulk operation that closed it. */
  readonly bulkId: string | null;
  readonly createdAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
}

/** Which dead letters are meant; what is left out does not count. Times bound when the letter was made. */
export interface DeadLetterFilter {
  readonly states?: readonly DeadLetterState[];
  readonly reasons?: readonly string[];
  readonly tenant?: string;
  readonly pool?: string;
  readonly sessionKey?: string;
  readonly swarmId?: string;
  /** Of the last attempt. */
  readonly gatewayId?: string;
  readonly failureClasses?: readonly FailureClass[];
  readonly from?: string;
  readonly to?: string;
}

/** What a replay does otherwise than the task that died. */
export interface ReplayEdits {
  readonly prompt?: string;
  readonly pool?: string;
  readonly agent?: string;
  readonly priority?: Priority;
  readonly maxAttempts?: number;
  readonly runLimitSeconds?: number;
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
  | Misplaced
  | { readonly kind: 'not-found' };

/**
 * Replays a dead letter (P30): a new task with the same content, `replayOf` this one, at the end of its session, no
 * node of the old swarm. The first of replay and discard wins. `again` asks for another replay, and gets one only
 * when the task of the former has ended. `edits` change what the new task is to do.
 */
export function replayDeadLetter(
  db: Database,
  options: {
    readonly taskId: string;
    readonly actor: string;
    readonly again?: boolean;
    readonly edits?: ReplayEdits;
  },
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

/** Closes a dead letter for good (P30), with a note on why; the first of replay and discard wins. */
export function discardDeadLetter(
  db: Database,
  options: { readonly taskId: string; readonly actor: string; readonly note?: string },
): Promise<DiscardResult> {
  return db.call('discard_dead_letter', options);
}

/** The dead letter of a task; null: the task has none. */
export function getDeadLetter(db: Database, taskId: string): Promise<DeadLetter | null> {
  return db.call('get_dead_letter', { taskId });
}

/** Newest task first; `before` is the seq of the last one of the page before (R8). */
export function listDeadLetters(
  db: Database,
  options: {
    readonly filter: DeadLetterFilter;
    readonly before?: number;
    readonly limit: number;
  },
): Promise<DeadLetter[]> {
  return db.call('list_dead_letters', options);
}

/** How many letters a filter names. */
export async function countDeadLetters(db: Database, filter: DeadLetterFilter): Promise<number> {
  return (await db.call<{ count: number }>('count_dead_letters', { filter })).count;
}
