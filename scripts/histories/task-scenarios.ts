import type { AbortActivities } from '../../activities/run-task/abort-attempt.ts';
import type { RunTaskActivities } from '../../activities/run-task/run-task.ts';
import type { TaskControlActivities } from '../../activities/task-control/task-control.ts';
import type { Decision } from '../../src/domain/attempt.ts';
import type { RunFailure } from '../../src/domain/failure.ts';
import type { DecideSignal, TaskWorkflowInput } from '../../src/domain/messages.ts';
import {
  CONTROL_QUEUE,
  gatewayControlQueue,
  gatewayQueue,
  taskWorkflowId,
} from '../../src/domain/names.ts';
import type { RunTaskResult } from '../../src/domain/run-result.ts';
import type { TaskStep } from '../../src/domain/task-step.ts';
import { createGate, inOrder, type Scenario } from './scenario.ts';

const gatewayId = 'g1';
const first = { attemptId: 'a1', gatewayId };
const second = { attemptId: 'a2', gatewayId };
const completed = { kind: 'settled', state: 'completed' } as const;
const waits: TaskStep = { kind: 'waits' };
const backingOff: TaskStep = { kind: 'backing-off', attemptId: first.attemptId, forMs: 500 };
const deciding: TaskStep = { kind: 'deciding', ...first, discard: false };
const indeterminate: RunTaskResult = { kind: 'indeterminate', reason: 'vanished' };

function failed(kind: RunFailure['class']): RunTaskResult {
  const failure: RunFailure = {
    runId: 'r1',
    class: kind,
    message: 'played',
    retryAfterMs: null,
    aborted: false,
    timedOut: false,
  };
  return { kind: 'failed', failure, attemptsUsed: 1, maxAttempts: 3 };
}

interface Played {
  readonly runTask: RunTaskActivities['runTask'];
  readonly control?: Partial<TaskControlActivities>;
  readonly abortAttempt?: AbortActivities['abortAttempt'];
  readonly drive?: Scenario['drive'];
}

function scenario(path: string, played: Played): Scenario {
  const control: TaskControlActivities = {
    standing: async () => waits,
    releaseUnstarted: async () => ({ kind: 'superseded' }),
    backOff: async () => backingOff,
    requeue: async () => waits,
    bury: async () => ({ kind: 'settled', state: 'dead' }),
    enterDeciding: async () => deciding,
    applyDecision: async () => completed,
    requestCancel: async () => undefined,
    ...played.control,
  };
  const input: TaskWorkflowInput = {
    taskId: path,
    ...first,
    runLimitSeconds: 60,
    runHeartbeatTimeoutMs: 30_000,
  };
  return {
    name: `task-${path}`,
    workflow: 'taskWorkflow',
    workflowId: taskWorkflowId(path),
    args: [input],
    workers: {
      [CONTROL_QUEUE]: control,
      [gatewayQueue(gatewayId)]: { runTask: played.runTask } satisfies RunTaskActivities,
      [gatewayControlQueue(gatewayId)]: {
        abortAttempt: played.abortAttempt ?? (async () => ({ kind: 'confirmed' })),
      } satisfies AbortActivities,
    },
    ...(played.drive === undefined ? {} : { drive: played.drive }),
  };
}

/** Ends as soon as the drive opens the gate of the played activity. */
function retried(): Scenario {
  const requeued = createGate();
  return scenario('retried', {
    runTask: inOrder<RunTaskResult>(failed('transient'), completed),
    control: {
      requeue: async () => {
        requeued.open();
        return waits;
      },
    },
    drive: async (handle) => {
      await requeued.opened;
      await handle.signal('dispatched', second);
    },
  });
}

/** The signal of the next claim is quicker than the answer of the requeue (P20). */
function overtaken(): Scenario {
  const backedOff = createGate();
  return scenario('overtaken', {
    runTask: inOrder<RunTaskResult>(failed('transient'), completed),
    control: {
      backOff: async () => {
        backedOff.open();
        return backingOff;
      },
    },
    drive: async (handle) => {
      await backedOff.opened;
      await handle.signal('dispatched', second);
    },
  });
}

function cancelled(path: string, cancel: NonNullable<Scenario['drive']>): Scenario {
  const aborted = createGate();
  const started = createGate();
  return scenario(path, {
    runTask: async () => {
      started.open();
      await aborted.opened;
      return { kind: 'settled', state: 'cancelled' };
    },
    abortAttempt: async () => {
      aborted.open();
      return { kind: 'confirmed' };
    },
    drive: async (handle, client) => {
      await started.opened;
      await cancel(handle, client);
    },
  });
}

function decided(path: string, decision: Decision, step: TaskStep): Scenario {
  const asked = createGate();
  return scenario(path, {
    runTask: inOrder<RunTaskResult>(indeterminate, completed),
    control: {
      enterDeciding: async () => {
        asked.open();
        return deciding;
      },
      applyDecision: async () => step,
    },
    drive: async (handle) => {
      await asked.opened;
      const signal: DecideSignal = { attemptId: first.attemptId, decision, actor: 'operator' };
      await handle.signal('decide', signal);
      if (step.kind === 'waits') await handle.signal('dispatched', second);
    },
  });
}

/** The run of an indeterminate attempt shows up after all. */
function reappeared(): Scenario {
  const asked = createGate();
  return scenario('reappeared', {
    runTask: inOrder<RunTaskResult>(indeterminate, completed),
    control: {
      enterDeciding: async () => {
        asked.open();
        return deciding;
      },
    },
    drive: async (handle) => {
      await asked.opened;
      await handle.signal('dispatched', first);
    },
  });
}

/** Nobody takes the first delivery up: half a minute, then it is released, and another gateway gets the task. */
function released(): Scenario {
  const freed = createGate();
  const elsewhere = { attemptId: 'a2', gatewayId: 'g2' };
  const { workers, ...rest } = scenario('released', {
    runTask: async () => completed,
    control: {
      releaseUnstarted: async () => {
        freed.open();
        return { kind: 'superseded' };
      },
    },
    drive: async (handle) => {
      await freed.opened;
      await handle.signal('dispatched', elsewhere);
    },
  });
  const { [CONTROL_QUEUE]: control = {} } = workers;
  const runTask: RunTaskActivities = { runTask: async () => completed };
  return { ...rest, workers: { [CONTROL_QUEUE]: control, [gatewayQueue('g2')]: runTask } };
}

/** A task that is told to read its row again and again goes on in a new run. */
function continued(): Scenario {
  return scenario('continued', {
    runTask: inOrder<RunTaskResult>({ kind: 'superseded' }, completed),
    drive: async (handle, client) => {
      const latest = client.workflow.getHandle(handle.workflowId);
      for (let nudges = 0; nudges < 300; nudges += 1) {
        await latest.signal('cancel');
        if ((await latest.describe()).runId !== handle.firstExecutionRunId) break;
      }
      await latest.signal('dispatched', second);
      await latest.result();
    },
  });
}

export function taskScenarios(): readonly Scenario[] {
  return [
    scenario('completed', { runTask: async () => completed }),
    scenario('dead', { runTask: async () => failed('permanent') }),
    retried(),
    overtaken(),
    cancelled('cancelled', (handle) => handle.signal('cancel')),
    cancelled('temporal-cancel', async (handle) => void (await handle.cancel())),
    decided('accepted', { kind: 'accept', output: 'as seen' }, completed),
    decided('decided-retry', { kind: 'retry' }, waits),
    decided('discarded', { kind: 'discard' }, { kind: 'settled', state: 'dead' }),
    reappeared(),
    released(),
    continued(),
  ];
}
