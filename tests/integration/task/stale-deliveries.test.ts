import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CONTROL_QUEUE, gatewayQueue } from '../../../src/domain/names.ts';
import type { RunTaskResult } from '../../../src/domain/run-result.ts';
import type { TaskStep } from '../../../src/domain/task-step.ts';
import { connectTemporal, type TemporalConnection } from '../../../src/temporal/connect.ts';
import { runWorkers, type RunningWorkers } from '../../../workers/run-workers.ts';
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

/** The rows of one task, as its control activities answer from them. */
const asked: string[] = [];
let retryAt = 0;
let isQueued = false;
const standing = async (): Promise<TaskStep> => {
  asked.push('standing');
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
  requeue: async (): Promise<TaskStep> => {
    asked.push('requeue');
    isQueued = true;
    return standing();
  },
};
const runActivities = {
  runTask: async ({ attemptId }: { attemptId: string }): Promise<RunTaskResult> => {
    asked.push(`run ${attemptId}`);
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

test('deliveries of attempts that are long over, heard of late, neither end a back-off nor prolong it (P20)', async () => {
  const handle = await temporal.client.workflow.start('taskWorkflow', {
    workflowId: 'task/late-news',
    taskQueue: CONTROL_QUEUE,
    args: [
      {
        taskId: 'late-news',
        attemptId: 'failed',
        gatewayId: 'g1',
        runLimitSeconds: 60,
        runHeartbeatTimeoutMs: 5_000,
      },
    ],
  });
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
