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
import type { SubmissionActivities } from '../activities/submission/submission.ts';
import { SUBMISSION_SIGNALS } from '../src/domain/messages.ts';
import {
  outcomeOf,
  SUBMISSION_FAILURES,
  submissionKey,
  type SubmissionInput,
  type SubmissionOutcome,
  type SubmittedWork,
} from '../src/domain/submission.ts';

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
  const { workflowId, runId } = workflowInfo();
  const id = { key: submissionKey({ workflowId, runId }), workflowId, runId };
  let ended = false;
  let cancelled = false;
  setHandler(endedSignal, () => {
    ended = true;
  });
  void CancellationScope.current().cancelRequested.catch(() => {
    cancelled = true;
  });

  setCurrentDetails('Is being accepted.');
  const work = await unlessCancelled(rows.acceptSubmission({ ...id, request: input }));
  setCurrentDetails(inWords(work));

  return CancellationScope.nonCancellable(async () => {
    for (let asked = false; ;) {
      await condition(() => ended || (cancelled && !asked));
      if (cancelled && !asked) {
        asked = true;
        await rows.cancelSubmission(id);
      }
      ended = false;
      const standing = await rows.submissionStanding({ key: id.key });
      if (standing.kind === 'none') throw new CancelledFailure(`Withdrawn: ${standing.refusal}.`);
      const outcome = outcomeOf(standing);
      if (outcome !== null) return conclude(outcome, asked);
    }
  });
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

function conclude(outcome: SubmissionOutcome, cancelAsked: boolean): SubmissionOutcome {
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

function failureType(outcome: SubmissionOutcome): string {
  const { swarmFailed, swarmCancelled, dead, expired, cancelled } = SUBMISSION_FAILURES;
  if (outcome.kind === 'swarm') return outcome.state === 'failed' ? swarmFailed : swarmCancelled;
  if (outcome.state === 'dead') return dead;
  return outcome.state === 'expired' ? expired : cancelled;
}
