import { isDatabaseUnavailable } from '../src/db/database-errors.ts';
import type { Clock } from '../src/platform/clock.ts';

const RETRY_MS = 2_000;

/**
 * Starts a worker whose PostgreSQL may go away again in the middle of the start: then it waits and starts once more,
 * instead of ending the process. Any other error is thrown. Answers without a start when `ending` aborts before. A
 * start that fails must leave nothing behind.
 */
export async function untilStarted(options: {
  readonly start: () => Promise<void>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log: { warn(detail: object, message: string): void };
  readonly ending: AbortSignal;
}): Promise<void> {
  const { start, clock, log, ending } = options;
  while (!ending.aborted) {
    try {
      return await start();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      log.warn({ err: error }, 'PostgreSQL went away during the start; starting again');
      await clock.sleep(RETRY_MS, ending);
    }
  }
}
