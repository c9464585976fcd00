import { isDatabaseUnavailable, isRetryable } from '../../src/db/database-errors.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { RunLog, RunRows } from './ports.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/** The host is closing while a row could not be written: another owner goes on from the row as it is. */
export class RowsAbandoned extends Error {
  override readonly name = 'RowsAbandoned';
}

export interface PatienceOptions {
  readonly clock: Clock;
  readonly log: RunLog;
  /** Ends the patience: nothing is tried again after it. */
  readonly signal: AbortSignal;
}

/**
 * The same stores, waiting out an absence of PostgreSQL: while it is away runs go on, and their ends are written when
 * it is back (architecture section 10). Each store may be called again when its answer was lost.
 */
export function patientRows(rows: RunRows, options: PatienceOptions): RunRows {
  const entries = Object.entries(rows).map(([name, store]) => [
    name,
    (...args: never[]) => patiently(name, () => (store as Store)(...args), options),
  ]);
  return Object.fromEntries(entries) as RunRows;
}

type Store = (...args: never[]) => Promise<unknown>;

async function patiently(
  name: string,
  call: () => Promise<unknown>,
  { clock, log, signal }: PatienceOptions,
): Promise<unknown> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isDatabaseUnavailable(error) && !isRetryable(error)) throw error;
      log.warn({ store: name, error: words(error) }, 'PostgreSQL is away; the run waits for it');
      await clock.sleep(pauseMs, signal);
      if (signal.aborted) throw new RowsAbandoned(`${name} was not written`, { cause: error });
    }
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
