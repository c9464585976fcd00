import { markDelivered } from '../src/db/attempt-run.ts';
import type { Database } from '../src/db/database.ts';
import type { Clock } from '../src/platform/clock.ts';

/** Writes down which attempts Temporal has acknowledged, many in one statement. */
export interface DeliveryMarks {
  /** Resolves when the attempt is marked, or was found to have moved on; rejects when it could not be written. */
  mark(attemptId: string): Promise<void>;
  /** From now on each mark is written at once. */
  close(): void;
}

/** Most attempts are sent within this and need no mark: `sending` says more. */
const COLLECT_MS = 1_000;

export function createDeliveryMarks(db: Database, clock: Clock): DeliveryMarks {
  const closing = new AbortController();
  let batch: { readonly attemptIds: string[]; readonly written: Promise<unknown> } | null = null;

  async function collectAndWrite(attemptIds: readonly string[]): Promise<void> {
    await clock.sleep(COLLECT_MS, closing.signal);
    batch = null;
    await markDelivered(db, attemptIds);
  }

  return {
    async mark(attemptId) {
      if (batch === null) {
        const attemptIds: string[] = [];
        batch = { attemptIds, written: collectAndWrite(attemptIds) };
      }
      batch.attemptIds.push(attemptId);
      await batch.written;
    },
    close: () => closing.abort(),
  };
}
