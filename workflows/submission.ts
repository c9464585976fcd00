import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { OfSubmission, SubmissionActivities } from '../activities/submission/submission.ts';
import { firingKey } from '../src/domain/schedule.ts';
import { SUBMISSION_SIGNALS } from '../src/domain/messages.ts';
import {
  SUBMISSION_FAILURES,
  submissionKey,
  type SubmissionInput,
  type SubmissionOutcome,
  type SubmittedWork,
} from '../src/domain/submission.ts';

type EndedWork = Exclude<SubmissionOutcome, { kind: 'none' }>;

/** Set by Temporal: the time for which a Schedule has started a workflow. */
const scheduledStartKey = defineSearchAttributeKey(
  'TemporalScheduledStartTime',
  SearchAttributeType.DATETIME,
);

export const endedSignal = defineSignal(SUBMISSION_SIGNALS.ended);

const rows = proxyActivities<SubmissionActivities>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '10s' },
});

/**
 * Submits a task or a swarm on the path of the API, lives until it ends, and returns how it ended (ADR 0017). Any
 * client of Temporal may start it, under an id of its own choice; each run submits once.
 *
 * Work that did not complete ends it as *Failed*, with the outcome in the details of the failure. A Temporal cancel
 * cancels the work: it ends as *Canceled* when the work was, or was never accepted. Waiting costs no history: the end
 * is signalled, once.
 */
export async function submissionWorkflow(input: SubmissionInput): Promise<SubmissionOutcome> {
  const submission = submissionOf(input);
  const withOutput = submission.firing === undefined;
  let ended = false;
  let cancelled = false;
  setHandler(endedSignal, () => {
    ended = true;
  });
  void CancellationScope.current().cancelRequested.catch(() => {
    cancelled = true;
  });

  setCurrentDetails('Is being accepted.');
  const work = await unlessCancelled(rows.acceptSubmission({ ...submission, request: input }));
  setCurrentDetails(inWords(work));
  if (work?.kind === 'none') return work;

  return CancellationScope.nonCancellable(async () => {
    for (let asked = false; ;) {
      await condition(() => ended || (cancelled && !asked));
      if (cancelled && !asked) {
        asked = true;
        await rows.cancelSubmission(submission);
      }
      ended = false;
      const standing = await rows.submissionStanding({ key: submission.key, withOutput });
      if (standing.kind === 'none') throw new CancelledFailure(`Withdrawn: ${standing.refusal}.`);
      if (standing.kind !== 'open') return conclude(standing, asked);
    }
  });
}

/** Who it is, and for which time of which schedule: once per run, or per time. */
function submissionOf(input: SubmissionInput): OfSubmission {
  const { workflowId, runId } = workflowInfo();
  if (!('schedule' in input)) {
    return { key: submissionKey({ workflowId, runId }), workflowId, runId };
  }
  const due = workflowInfo().typedSearchAttributes.get(scheduledStartKey);
  if (due === undefined) {
    throw ApplicationFailure.nonRetryable(
      'A submission for a schedule is started by Schedules of Temporal only. To have its work now: dashctl schedule trigger',
      SUBMISSION_FAILURES.invalid,
    );
  }
  const scheduledAt = due.toISOString();
  const scheduleId = input.schedule.id;
  const key = firingKey(scheduleId, scheduledAt);
  return { key, workflowId, runId, firing: { scheduleId, scheduledAt } };
}

/** null: the cancel came first, and whether the work was accepted meanwhile is asked next. */
async function unlessCancelled(accepting: Promise<SubmittedWork>): Promise<SubmittedWork | null> {
  try {
    return await accepting;
  } catch (error) {
    if (isCancellation(error)) return null;
    // Its type is what a caller tells failures apart by.
    throw error instanceof ActivityFailure && error.cause instanceof ApplicationFailure
      ? error.cause
      : error;
  }
}

function inWords(work: SubmittedWork | null): string {
  if (work === null || work.kind === 'none') return 'Nothing was accepted.';
  const what = work.kind === 'task' ? `Task **${work.taskId}**` : `Swarm **${work.swarmId}**`;
  return `${what} was accepted; waits for its end.`;
}

function conclude(outcome: EndedWork, cancelAsked: boolean): EndedWork {
  const { state } = outcome;
  const what = outcome.kind === 'task' ? `Task ${outcome.taskId}` : `Swarm ${outcome.swarmId}`;
  setCurrentDetails(`${what} ended: **${state}**.`);
  if (state === 'completed') return outcome;
  if (state === 'cancelled' && cancelAsked) {
    throw new CancelledFailure(`${what} was cancelled.`, [outcome]);
  }
  const why = outcome.kind === 'task' ? outcome.failure?.message : outcome.reason;
  const hint =
    outcome.kind === 'task'
      ? `dashctl task get ${outcome.taskId}`
      : `dashctl swarm status ${outcome.swarmId}`;
  throw ApplicationFailure.nonRetryable(
    `${what} ended as ${state}: ${why ?? 'no reason was given'}. Look at it with: ${hint}`,
    failureType(outcome),
    outcome,
  );
}

function failureType(outcome: EndedWork): string {
  const { swarmFailed, swarmCancelled, dead, expired, cancelled } = SUBMISSION_FAILURES;
  if (outcome.kind === 'swarm') return outcome.state === 'failed' ? swarmFailed : swarmCancelled;
  if (outcome.state === 'dead') return dead;
  return outcome.state === 'expired' ? expired : cancelled;
}
