import { ApplicationFailure } from '@temporalio/common';
import type { RunTaskInput, RunTaskResult } from '../../src/domain/run-result.ts';
import { createAbortAttempt, type AbortActivities } from './abort-attempt.ts';
import { UnknownAttempt, type AttemptRun } from './attempt-run.ts';
import type { RunDeps, WaitingActivity } from './ports.ts';
import { createReviewAttempt, type ReviewAttempt } from './review-attempt.ts';
import type { RunEnd } from './run-control.ts';
import { createRunRegistry } from './run-registry.ts';

/** What `taskWorkflow` schedules on `gateway.<id>`. */
export interface RunTaskActivities {
  runTask(input: RunTaskInput): Promise<RunTaskResult>;
}

export interface RunTaskOptions extends RunDeps {
  /** The activity that calls now; `temporalActivity` in production. */
  readonly activity: () => WaitingActivity;
  /** How often a waiting activity tells Temporal that it lives. */
  readonly heartbeatMs: number;
  /** How often the rows are asked for cancels; NOTIFY is quicker. */
  readonly cancelPollMs: number;
  /** How long `abortAttempt` tries before it answers `unconfirmed`. */
  readonly abortActivityMs: number;
}

export interface RunTask extends RunTaskActivities, AbortActivities, ReviewAttempt {
  /**
   * Starts the run of an attempt whose workflow Temporal has acknowledged, ahead of the activity that will wait for
   * it: that one joins the run, or finds its end in the row (P21).
   */
  begin(ids: { readonly attemptId: string; readonly taskId: string }): void;
  /** A NOTIFY on `dash_cancel`: the id of a task or attempt, or null when some may have been missed. */
  cancelNoticed(id: string | null): void;
  /** Lets every run go, for another owner to carry on; aborts none (P34). */
  close(): Promise<void>;
}

/** Temporal tries again where the gateway's owner polls. */
const DETACHED_RETRY = '100ms';
/** This host polls for a gateway that it has lost, or not yet got: no need to hurry back to it. */
const NOT_OURS_RETRY = '1s';

/**
 * The activities that carry attempts out on the gateways of this host: `runTask` and `abortAttempt`, plus the review
 * of indeterminate attempts that the hold calls.
 *
 * `runTask` answers how the attempt ended, after the row says so. When Temporal loses interest in an activity (its
 * heartbeat was refused or late, the worker shuts down) the activity fails as `Detached`, which is retried at once,
 * and the run goes on in this host; the next activity joins it, or finds its end in the row (P21, P26, P34).
 */
export function createRunTask(options: RunTaskOptions): RunTask {
  const registry = createRunRegistry(options, options.cancelPollMs);
  return {
    async runTask({ taskId, attemptId }) {
      const run = registry.joinOrStart({ taskId, attemptId });
      const end = await waitFor(run, options.activity(), options);
      if (end.kind !== 'detached') return end;
      throw detached(end.why === 'closing' ? DETACHED_RETRY : NOT_OURS_RETRY, end.why);
    },
    begin: (ids) => void registry.joinOrStart(ids),
    ...createAbortAttempt(options, registry),
    ...createReviewAttempt(options),
    cancelNoticed: (id) => registry.nudge(id),
    close: () => registry.close(),
  };
}

/** Waits for the run's end as long as Temporal waits for this activity. */
async function waitFor(
  run: AttemptRun,
  activity: WaitingActivity,
  { clock, heartbeatMs }: RunTaskOptions,
): Promise<RunEnd> {
  const done = new AbortController();
  const tell = (): void => activity.heartbeat(run.waitsFor());
  const beating = beat(tell, done.signal, clock, heartbeatMs);
  try {
    return await Promise.race([run.end, lost(activity.lost)]);
  } catch (error) {
    if (!(error instanceof UnknownAttempt)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, 'UnknownAttempt');
  } finally {
    done.abort();
    await beating;
  }
}

async function beat(
  tell: () => void,
  done: AbortSignal,
  clock: RunDeps['clock'],
  everyMs: number,
): Promise<void> {
  // Temporal counts from the start of the activity: a run that ends sooner costs no heartbeat at all.
  await clock.sleep(everyMs, done);
  while (!done.aborted) {
    tell();
    await clock.sleep(everyMs, done);
  }
}

function lost(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const give = (): void => reject(detached(DETACHED_RETRY, 'activity'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

const DETACHED_BECAUSE = {
  activity: 'Temporal no longer waits for this activity; the run goes on in its host',
  closing: 'the host hands its runs over',
  superseded: 'another host owns this gateway now',
  'not-held': 'this host does not hold the gateway (any more)',
} as const;

function detached(
  nextRetryDelay: '100ms' | '1s',
  why: keyof typeof DETACHED_BECAUSE,
): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Detached',
    message: DETACHED_BECAUSE[why],
    nonRetryable: false,
    nextRetryDelay,
  });
}
