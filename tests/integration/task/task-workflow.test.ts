import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CONTROL_QUEUE, gatewayQueue } from '../../../src/domain/names.ts';
import type { RunTaskResult } from '../../../src/domain/run-result.ts';
import type { TaskStep } from '../../../src/domain/task-step.ts';
import { connectTemporal, type TemporalConnection } from '../../../src/temporal/connect.ts';
import { runWorkers, type RunningWorkers } from '../../../workers/run-workers.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestNamespace, testTemporalAddress } from '../../support/temporal-namespace.ts';

const BACK_OFF_MS = 3_000;
const failure = {
  class: 'transient',
  message: 'HTTP 503',
  retryAfterMs: null,
  runId: 'r',
  aborted: false,
  timedOut: false,
} as const;

const undecided: TaskStep = {
  kind: 'deciding',
  attemptId: 'lost',
  gatewayId: 'g1',
  discard: false,
};

/** The rows of a task, as its control activities answer from them. */
const asked: string[] = [];
let retryAt = 0;
let isQueued = false;
const standing = async ({ taskId }: { taskId: string }): Promise<TaskStep> => {
  asked.push('standing');
  if (taskId === 'undecided') return undecided;
  if (isQueued) return { kind: 'settled', state: 'completed' };
  return { kind: 'backing-off', attemptId: 'failed', forMs: Math.max(1, retryAt - Date.now()) };
};
const activities = {
  standing,
  backOff: async (): Promise<TaskStep> => {
    asked.push('backOff');
    retryAt = Date.now() + BACK_OFF_MS;
    return { kind: 'backing-off', attemptId: 'failed', forMs: BACK_OFF_MS };
  },
  requeue: async ({ taskId }: { taskId: string }): Promise<TaskStep> => {
    asked.push('requeue');
    isQueued = true;
    return standing({ taskId });
  },
  enterDeciding: async (): Promise<TaskStep> => undecided,
  applyDecision: async (): Promise<TaskStep> => ({ kind: 'settled', state: 'completed' }),
};
const runActivities = {
  runTask: async ({ attemptId }: { attemptId: string }): Promise<RunTaskResult> => {
    asked.push(`run ${attemptId}`);
    if (attemptId === 'lost') return { kind: 'indeterminate', reason: 'vanished' };
    return attemptId === 'failed'
      ? { kind: 'failed', failure, attemptsUsed: 1, maxAttempts: 3 }
      : { kind: 'superseded' };
  },
};

let temporal: TemporalConnection;
let workers: RunningWorkers;

beforeAll(async () => {
  const namespace = await createTestNamespace();
  temporal = await connectTemporal({ connection: { address: testTemporalAddress() }, namespace });
  const shared = { connection: temporal.native, namespace };
  const workflowBundle = { codePath: process.env['DASH_TEST_WORKFLOW_BUNDLE'] ?? '' };
  workers = await runWorkers({
    workers: [
      { ...shared, taskQueue: CONTROL_QUEUE, workflowBundle, activities },
      { ...shared, taskQueue: gatewayQueue('g1'), activities: runActivities },
    ],
    onFatal: (error) => {
      throw error;
    },
  });
}, 60_000);

afterAll(async () => {
  await workers?.close();
  await temporal?.close();
});

const start = (taskId: string, attemptId: string) =>
  temporal.client.workflow.start('taskWorkflow', {
    workflowId: `task/${taskId}`,
    taskQueue: CONTROL_QUEUE,
    args: [
      { taskId, attemptId, gatewayId: 'g1', runLimitSeconds: 60, runHeartbeatTimeoutMs: 5_000 },
    ],
  });

test('deliveries of attempts that are long over, heard of late, neither end a back-off nor prolong it (P20)', async () => {
  const handle = await start('late-news', 'failed');
  for (const attemptId of ['released', 'released earlier']) {
    await handle.signal('dispatched', { attemptId, gatewayId: 'g1' });
  }
  expect(await handle.result()).toEqual({ state: 'completed' });
  const endedAt = Date.now();
  expect(asked.filter((what) => what === 'requeue' || what === 'backOff')).toEqual([
    'backOff',
    'requeue',
  ]);
  expect(asked).toContain('run released');
  expect(asked).toContain('run released earlier');
  expect(endedAt).toBeGreaterThanOrEqual(retryAt);
}, 60_000);

test('a task that waits for a person keeps its history short, however often it is told to look (P20, P29)', async () => {
  const handle = await start('undecided', 'lost');
  const { runId } = await handle.describe();
  await eventually(
    async () => {
      await handle.signal('cancel');
      return (await handle.describe()).runId !== runId;
    },
    { timeoutMs: 60_000, everyMs: 5 },
  );
  await handle.signal('decide', {
    attemptId: 'lost',
    decision: { kind: 'accept', output: 'as it was' },
    actor: 'tester',
  });
  expect(await handle.result()).toEqual({ state: 'completed' });
}, 90_000);
