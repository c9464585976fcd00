import { taskWorkflowId } from '../domain/names.ts';
import { newId } from '../platform/ids.ts';
import type { Misplaced } from '../domain/placement.ts';
import type { Database } from './database.ts';
import type { DeadLetterFilter, ReplayEdits } from './dead-letter-store.ts';
import type { ReconcilePage } from './reconcile-queries.ts';

export interface BulkOperation {
  readonly id: string;
  readonly action: 'replay' | 'discard';
  /** Whose letters; null: every tenant's. */
  readonly tenant: string | null;
  readonly filter: DeadLetterFilter;
  readonly edits: ReplayEdits;
  readonly note: string | null;
  readonly state: 'running' | 'completed' | 'cancelled';
  /** Letters that matched when it was accepted. */
  readonly total: number;
  /** Letters that it replayed or discarded. */
  readonly done: number;
  /** Letters that could not be, or that somebody else had closed just before. */
  readonly skipped: number;
  /** The bound that keeps it waiting now; null: it does not wait. */
  readonly waitingFor: string | null;
  readonly actor: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export type AcceptBulkResult =
  { readonly kind: 'accepted'; readonly operation: BulkOperation } | Misplaced;

/**
 * Accepts the replay or discard of every open dead letter that the filter names now (R8). Its workflow carries it out;
 * letters that die later are not meant.
 */
export function acceptBulk(
  db: Database,
  options: {
    readonly id: string;
    readonly action: BulkOperation['action'];
    readonly filter: DeadLetterFilter;
    readonly edits?: ReplayEdits;
    readonly note?: string;
    readonly actor: string;
  },
): Promise<AcceptBulkResult> {
  return db.call('accept_bulk', options);
}

export type BulkStep =
  | { readonly kind: 'stepped' }
  /** A bound on open work: the same step again later. */
  | { readonly kind: 'refused'; readonly retryAfterSeconds: number }
  | { readonly kind: 'ended' };

/** Deals with one more letter, or ends the operation when none is left. Any number of callers do nothing twice. */
export function stepBulk(db: Database, bulkId: string): Promise<BulkStep> {
  const newTaskId = newId('task');
  return db.call('bulk_step', { bulkId, newTaskId, workflowId: taskWorkflowId(newTaskId) });
}

export function getBulk(db: Database, bulkId: string): Promise<BulkOperation | null> {
  return db.call('get_bulk', { bulkId });
}

/** Ends it before its time; what it did stays done. Answers it as it stands, null when there is none. */
export function cancelBulk(
  db: Database,
  options: { readonly bulkId: string; readonly actor: string },
): Promise<BulkOperation | null> {
  return db.call('cancel_bulk', options);
}

/** Operations that are to be carried by a workflow, by id. */
export function runningBulks(
  db: Database,
  page: ReconcilePage,
): Promise<{ readonly bulkId: string }[]> {
  return db.call('running_bulks', page);
}
