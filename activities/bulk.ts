import { getBulk, stepBulk } from '../src/db/bulk-store.ts';
import type { Database } from '../src/db/database.ts';
import type { BulkWorkflowInput } from '../src/domain/messages.ts';
import type { Clock } from '../src/platform/clock.ts';

export type BulkBatch =
  | { readonly kind: 'ended' }
  | { readonly kind: 'more'; readonly dealtWith: number; readonly total: number }
  /** A bound on open work is reached. */
  | {
      readonly kind: 'wait';
      readonly forMs: number;
      readonly dealtWith: number;
      readonly total: number;
    };

export interface BulkActivities {
  /** Deals with the next dead letters of an operation, for a few seconds at most; may be repeated. */
  bulkBatch(input: BulkWorkflowInput): Promise<BulkBatch>;
}

/** Far below the activity's own limit: a batch that was cut off costs nothing but its repetition. */
const BATCH_MS = 5_000;
const BATCH_LETTERS = 500;

export function createBulkActivities(deps: {
  readonly db: Database;
  readonly clock: Clock;
}): BulkActivities {
  const { db, clock } = deps;
  return {
    async bulkBatch({ bulkId }) {
      const until = clock.monotonic() + BATCH_MS;
      let forMs: number | null = null;
      for (let letter = 0; letter < BATCH_LETTERS && clock.monotonic() < until; letter += 1) {
        const step = await stepBulk(db, bulkId);
        if (step.kind === 'ended') return { kind: 'ended' };
        if (step.kind === 'refused') {
          forMs = step.retryAfterSeconds * 1_000;
          break;
        }
      }
      const row = await getBulk(db, bulkId);
      if (row === null) return { kind: 'ended' };
      const progress = { dealtWith: row.done + row.skipped, total: row.total };
      return forMs === null ? { kind: 'more', ...progress } : { kind: 'wait', forMs, ...progress };
    },
  };
}
