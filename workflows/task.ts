import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RunTaskActivities } from '../activities/run-task/run-task.ts';
import type { AbortActivities } from '../activities/run-task/abort-attempt.ts';
import type { TaskControlActivities } from '../activities/task-control/task-control.ts';
import { assertNever } from '../src/domain/assert-never.ts';
import {
  TASK_SIGNALS,
  type DecideSignal,
  type DispatchedSignal,
  type TaskWorkflowInput,
} from '../src/domain/messages.ts';
import { CONTROL_QUEUE, gatewayControlQueue, gatewayQueue } from '../src/domain/names.ts';
import { decideRetry } from '../src/domain/retry.ts';
import type { RunTaskResult } from '../src/domain/run-result.ts';
import type { TerminalState } from '../src/domain/task.ts';
import type { TaskStep } from '../src/domain/task-step.ts';
import { isStartTimeout } from './support/start-timeout.ts';
import { taskDetails } from './support/task-details.ts';
import { createTaskInbox, type TaskInbox } from './support/task-inbox.ts';

/** First delivery must be taken up by the gateway's owner within this; else the attempt is released (P19). */
const FIRST_DELIVERY_TIMEOUT = '30s';
/** Start-to-close beyond the run's own limit: time to look, collect and settle. */
const SETTLE_MARGIN_SECONDS = 600;
/** An abort that nobody can take up says so quickly: the gateway has no owner now. */
const CONTROL_START_TIMEOUT = '15s';
/** P20 keeps histories short: a task that was requeued this often goes on in a new run. */
const CONTINUE_AFTER_EVENTS = 400;

export const dispatchedSignal = defineSignal<[DispatchedSignal]>(TASK_SIGNALS.dispatched);
export const cancelSignal = defineSignal(TASK_SIGNALS.cancel);
export const decideSignal = defineSignal<[DecideSignal]>(TASK_SIGNALS.decide);
export const statusQuery = defineQuery<TaskStep>('status');

const control = proxyActivities<TaskControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/**
 * One task, from its first dispatch to its terminal state (architecture: "The way of one task", steps 3 to 6).
 *
 * Order, exclusion and every outcome are rows; this process only carries what takes time: the run on the gateway,
 * the back-off, the wait for the next claim or for a person. A task that is dead ends as *Failed*, type
 * `DeadLettered`. A Temporal cancel is the same request as a cancel through the API (P28).
 */
export async function taskWorkflow(input: TaskWorkflowInput): Promise<{ state: TerminalState }> {
  const inbox = createTaskInbox();
  const { taskId, attemptId, gatewayId } = input;
  let step: TaskStep = { kind: 'dispatched', attemptId, gatewayId };

  setHandler(dispatchedSignal, (signal) => inbox.dispatched(signal));
  setHandler(cancelSignal, () => inbox.nudge());
  setHandler(decideSignal, (signal) => inbox.decided(signal));
  setHandler(statusQuery, () => step);
  carryTemporalCancel(taskId, inbox);

  await CancellationScope.nonCancellable(async () => {
    if (input.waiting) step = await control.standing({ taskId });
    while (step.kind !== 'settled') {
      setCurrentDetails(taskDetails(step));
      if (historyIsLong() && isIdle(step, inbox)) {
        await continueAsNew<typeof taskWorkflow>({ ...input, waiting: true });
      }
      step = await advance(input, step, inbox);
    }
  });
  return conclude(taskId, step);
}

/** Nothing runs for it and nothing has arrived: a new run of the workflow finds all that matters in the row. */
function isIdle(step: TaskStep, inbox: TaskInbox): boolean {
  if (step.kind === 'deciding' && inbox.hasNewsOf(step.attemptId)) return false;
  return step.kind !== 'dispatched' && inbox.isEmpty();
}

/** One step of the process: what to do next follows from what stands now. */
async function advance(
  input: TaskWorkflowInput,
  step: Exclude<TaskStep, { kind: 'settled' }>,
  inbox: TaskInbox,
): Promise<TaskStep> {
  switch (step.kind) {
    case 'dispatched':
      inbox.heardOf(step.attemptId);
      return afterRun(input, step, await run(input, step, inbox));
    case 'waits':
      return nextDispatch(input.taskId, inbox);
    case 'backing-off':
      return untilRetried(input.taskId, step, inbox);
    case 'deciding':
      return untilDecided(input.taskId, step, inbox);
    default:
      return assertNever(step);
  }
}

type Dispatched = Extract<TaskStep, { kind: 'dispatched' }>;

/**
 * Runs the attempt on its gateway. The first delivery must start in time, or the attempt is released unsent; once
 * anything may have been sent it waits for the gateway's owner without limit (P19).
 */
async function run(
  input: TaskWorkflowInput,
  { attemptId, gatewayId }: Dispatched,
  inbox: TaskInbox,
): Promise<RunTaskResult> {
  const options = {
    taskQueue: gatewayQueue(gatewayId),
    startToCloseTimeout: (input.runLimitSeconds + SETTLE_MARGIN_SECONDS) * 1_000,
    heartbeatTimeout: input.runHeartbeatTimeoutMs,
    retry: { initialInterval: '200ms', maximumInterval: '5s' },
    summary: `attempt on ${gatewayId}`,
  } as const;
  const first = proxyActivities<RunTaskActivities>({
    ...options,
    scheduleToStartTimeout: FIRST_DELIVERY_TIMEOUT,
  });
  const stopHastening = hastenAborts(attemptId, gatewayId, inbox);
  try {
    return await first.runTask({ taskId: input.taskId, attemptId });
  } catch (error) {
    if (!isStartTimeout(error)) throw error;
    const instead = await control.releaseUnstarted({ attemptId });
    if (instead.kind !== 'stands') return instead;
    return await proxyActivities<RunTaskActivities>(options).runTask({
      taskId: input.taskId,
      attemptId,
    });
  } finally {
    stopHastening();
  }
}

/** A cancel that arrives while the attempt runs is hastened by an abort on the gateway's control queue (P28). */
function hastenAborts(attemptId: string, gatewayId: string, inbox: TaskInbox): () => void {
  return inbox.onNudge(() => {
    void abort(attemptId, gatewayId).catch(() => undefined);
  });
}

function abort(attemptId: string, gatewayId: string): ReturnType<AbortActivities['abortAttempt']> {
  return proxyActivities<AbortActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: CONTROL_START_TIMEOUT,
    startToCloseTimeout: '60s',
    retry: { maximumAttempts: 1 },
    summary: 'abort what may still run',
  }).abortAttempt({ attemptId });
}

async function afterRun(
  input: TaskWorkflowInput,
  attempt: Dispatched,
  result: RunTaskResult,
): Promise<TaskStep> {
  switch (result.kind) {
    case 'settled':
      return { kind: 'settled', state: result.state };
    case 'superseded':
      return control.standing({ taskId: input.taskId });
    case 'indeterminate':
      return control.enterDeciding({ taskId: input.taskId, attemptId: attempt.attemptId });
    case 'failed':
      return retryOrBury(input.taskId, attempt.attemptId, result);
    default:
      return assertNever(result);
  }
}

/** The retry policy is pure. */
async function retryOrBury(
  taskId: string,
  attemptId: string,
  result: Extract<RunTaskResult, { kind: 'failed' }>,
): Promise<TaskStep> {
  const { failure } = result;
  const verdict = decideRetry({ ...result, random01: Math.random() });
  if (verdict.kind === 'dead') {
    return control.bury({ taskId, attemptId, reason: verdict.reason, failure });
  }
  return control.backOff({ taskId, attemptId, delayMs: verdict.delayMs, failure });
}

/** The wait is a timer, cut short by whatever arrives for this task; the row then says how much of it is left. */
async function untilRetried(
  taskId: string,
  { attemptId, forMs }: Extract<TaskStep, { kind: 'backing-off' }>,
  inbox: TaskInbox,
): Promise<TaskStep> {
  if (await condition(() => !inbox.isEmpty(), forMs)) return nextDispatch(taskId, inbox);
  return control.requeue({ taskId, attemptId });
}

/** Waits for the next claim; anything else that arrives makes it read the row. */
async function nextDispatch(taskId: string, inbox: TaskInbox): Promise<TaskStep> {
  await condition(() => !inbox.isEmpty());
  const dispatched = inbox.takeDispatch();
  if (dispatched !== null) return { kind: 'dispatched', ...dispatched };
  inbox.clearNudge();
  return control.standing({ taskId });
}

/** Waits for a person, or for the run to show up after all; retry and discard abort and confirm first (P29). */
async function untilDecided(
  taskId: string,
  step: Extract<TaskStep, { kind: 'deciding' }>,
  inbox: TaskInbox,
): Promise<TaskStep> {
  const { attemptId } = step;
  if (!step.discard) {
    await condition(() => inbox.hasNewsOf(attemptId));
    if (inbox.takeReappearance(attemptId)) {
      return { kind: 'dispatched', attemptId, gatewayId: step.gatewayId };
    }
  }
  const decided = step.discard ? discardByCancel(attemptId) : inbox.takeDecision(attemptId);
  if (decided === null) {
    inbox.clearNudge();
    return control.standing({ taskId });
  }
  if (decided.decision.kind !== 'accept') {
    // What arrived until now is what this abort is about; only something newer may ask for another.
    inbox.clear(attemptId);
    const aborted = await abort(attemptId, step.gatewayId).catch(() => null);
    if (aborted?.kind !== 'confirmed') {
      setCurrentDetails('The gateway did not confirm the abort: decides again when asked again.');
      await condition(() => inbox.hasNewsOf(attemptId));
      return control.standing({ taskId });
    }
  }
  return control.applyDecision({ taskId, ...decided });
}

/** A cancel of a task whose outcome is unknown is the decision to discard it (P28). */
function discardByCancel(attemptId: string): DecideSignal {
  return { attemptId, decision: { kind: 'discard' }, actor: 'cancel' };
}

/** A Temporal cancel becomes the same row that the API writes; the process itself goes on until the row has ended. */
function carryTemporalCancel(taskId: string, inbox: TaskInbox): void {
  void CancellationScope.current().cancelRequested.catch(() =>
    CancellationScope.nonCancellable(async () => {
      await control.requestCancel({ taskId });
      inbox.nudge();
    }),
  );
}

function conclude(taskId: string, step: TaskStep): { state: TerminalState } {
  if (step.kind !== 'settled') throw new Error('unreachable: the loop ends only when settled');
  if (step.state === 'dead') {
    throw ApplicationFailure.nonRetryable(
      `Task ${taskId} is a dead letter. Look at it with: dashctl task get ${taskId}`,
      'DeadLettered',
    );
  }
  return { state: step.state };
}

function historyIsLong(): boolean {
  return workflowInfo().historyLength > CONTINUE_AFTER_EVENTS;
}
