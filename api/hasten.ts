import type { Logger } from '../src/platform/logger.ts';

/**
 * Says something to Temporal that a row says already. Not waited for, and a failure is only logged: whoever reads the
 * row carries it out, and reconcile repeats it.
 */
export function hasten(log: Logger, what: string, say: () => Promise<unknown>): void {
  say().catch((error: unknown) => {
    log.warn(
      { err: error },
      `${what} did not reach Temporal; the row stands, and reconcile repeats it`,
    );
  });
}
