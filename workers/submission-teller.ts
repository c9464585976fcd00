import type { Database } from '../src/db/database.ts';
import { markSubmissionTold, untoldSubmissions } from '../src/db/submission-store.ts';
import type { Clock } from '../src/platform/clock.ts';
import { createWakeup } from '../src/platform/wakeup.ts';
import type { WorkflowMessages } from '../src/temporal/messages.ts';

export interface SubmissionTellerOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: { warn(detail: object, message: string): void };
  readonly messages: Pick<WorkflowMessages, 'signalSubmissionEnded'>;
}

/** Notifications are hints. */
const LOOK_EVERY_MS = 1_000;
const PAGE = 50;

/**
 * Tells the workflows that wait for submitted work that it has ended. What is to be told stands in rows, written
 * where the work ended, and is crossed out when Temporal has taken it: whoever dies in between, somebody tells it
 * again, and hearing it twice does no harm.
 */
export function startSubmissionTeller(options: SubmissionTellerOptions): {
  close(): Promise<void>;
} {
  const stopping = new AbortController();
  const wakeup = createWakeup(options.clock);
  const listener = options.db.listen('dash_submissions', () => wakeup.nudge());
  const running = tellUntilStopped(options, wakeup.pause, stopping.signal);
  return {
    async close() {
      stopping.abort();
      await listener.close();
      await running;
    },
  };
}

async function tellUntilStopped(
  options: SubmissionTellerOptions,
  pause: (ms: number, until: AbortSignal) => Promise<unknown>,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    let hasMore = false;
    try {
      hasMore = await tellOnce(options);
    } catch (error) {
      options.log.warn(
        { err: error },
        'workflows could not be told that their work has ended; trying again',
      );
    }
    if (!hasMore) await pause(LOOK_EVERY_MS, stopped);
  }
}

/** Beside each other: one that Temporal does not take now must not keep the others waiting. */
async function tellOnce({ db, messages }: SubmissionTellerOptions): Promise<boolean> {
  const untold = await untoldSubmissions(db, PAGE);
  const told = await Promise.allSettled(
    untold.map(async ({ key, workflowId, runId }) => {
      await messages.signalSubmissionEnded({ workflowId, runId });
      await markSubmissionTold(db, key);
    }),
  );
  const failed = told.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return untold.length === PAGE;
}
