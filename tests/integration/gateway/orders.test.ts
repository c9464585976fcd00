import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { GatewayMessage } from '../../../src/domain/gateway.ts';
import type { HoldEnd } from '../../../src/domain/hold.ts';
import { CONTROL_QUEUE, gatewayControlQueue, HOSTS_QUEUE } from '../../../src/domain/names.ts';
import { createLogger } from '../../../src/platform/logger.ts';
import { installTemporalRuntime } from '../../../src/temporal/runtime.ts';
import { runWorkers, type RunningWorkers } from '../../../workers/run-workers.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestNamespace, testTemporalAddress } from '../../support/temporal-namespace.ts';

installTemporalRuntime(createLogger({ level: 'silent', name: 'test' }));

/** The gateway's workflow with played activities: what it asks for, and what it leaves behind. */
const GATEWAY = 'g';
const asked: string[] = [];
const heldUntil = Promise.withResolvers<HoldEnd>();
let running = 0;
/** Wishes that are being recorded at the same moment. */
let recording = 0;
let mostRecorded = 0;
let connection: Connection;
let native: NativeConnection;
let workers: RunningWorkers;
let handle: WorkflowHandle;

beforeAll(async () => {
  const address = testTemporalAddress();
  const namespace = await createTestNamespace(address);
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  const told = (name: string) => async (input: unknown) => {
    asked.push(`${name} ${JSON.stringify(input)}`);
  };
  const control = {
    prepareHold: async () => ({
      ownerEpoch: 1,
      takenEpoch: 0,
      kind: 'adopted',
      lastHost: null,
      heartbeatTimeoutMs: 600_000,
    }),
    recordCommand: async () => {
      recording += 1;
      mostRecorded = Math.max(mostRecorded, recording);
      // Long enough for another one to be under way as well, if nothing keeps it from that.
      await eventually(() => recording > 1, { timeoutMs: 300 }).catch(() => undefined);
      recording -= 1;
      return { kind: 'recorded', state: 'open' };
    },
    markUnowned: told('markUnowned'),
    reportOverdueDrain: told('reportOverdueDrain'),
    reopenClaims: told('reopenClaims'),
  };
  const operations = {
    awaitIdle: async () => ({ running }),
    bringUp: told('bringUp'),
    stopProcess: told('stopProcess'),
    restartProcess: told('restartProcess'),
  };
  const bundle = process.env['DASH_TEST_WORKFLOW_BUNDLE'];
  const shared = { connection: native, namespace };
  workers = await runWorkers({
    onFatal: (error) => asked.push(String(error)),
    workers: [
      {
        ...shared,
        taskQueue: CONTROL_QUEUE,
        activities: control,
        ...(bundle === undefined
          ? { workflowsPath: join(import.meta.dirname, '../../../workflows/index.ts') }
          : { workflowBundle: { codePath: bundle } }),
      },
      { ...shared, taskQueue: gatewayControlQueue(GATEWAY), activities: operations },
      {
        ...shared,
        taskQueue: HOSTS_QUEUE,
        activities: { holdGateway: () => heldUntil.promise },
      },
    ],
  });
  const client = new Client({ connection, namespace });
  handle = await client.workflow.start('gatewayWorkflow', {
    workflowId: `gateway/${GATEWAY}`,
    taskQueue: CONTROL_QUEUE,
    args: [{ gatewayId: GATEWAY }],
  });
}, 60_000);

afterAll(async () => {
  heldUntil.resolve({ kind: 'removed' });
  await handle?.terminate();
  await workers?.close();
  await native?.close();
  await connection?.close();
}, 30_000);

/** Sends an order and waits until it is carried out. */
async function order(message: GatewayMessage): Promise<void> {
  await handle.executeUpdate(message, { args: [{ actor: 'operator', reason: 'a test' }] });
  await eventually(async () => {
    const status = await handle.query<{ working: unknown; waiting: unknown[] }>('status');
    return status.working === null && status.waiting.length === 0;
  });
}

/** Where the workflow waits, in its own words. */
function waits(): Promise<string> {
  return handle.query<string>('__stack_trace');
}

test('at the bound of a drain it is said that runs go on, and nothing is said when none do (P38)', async () => {
  running = 2;
  await order('drain');
  expect(asked).toEqual([
    `reportOverdueDrain {"gatewayId":"${GATEWAY}","running":2,"boundMs":1800000}`,
  ]);
  asked.length = 0;
  running = 0;
  await order('drain');
  expect(asked).toEqual([]);
}, 30_000);

test('an order that is carried out leaves nothing behind that waits (architecture 4)', async () => {
  const before = await waits();
  expect(before).toContain('gatewayWorkflow');
  for (const message of ['drain', 'undrain', 'restart', 'cordon', 'stop'] as const) {
    await order(message);
  }
  expect(await waits()).toBe(before);
  expect(before).not.toMatch(/unlessOvertaken|idle/i);
}, 30_000);

test('wishes that come at once are recorded one after the other, so that the last one stands (R27)', async () => {
  mostRecorded = 0;
  const wishes = (['cordon', 'drain', 'undrain'] as const).map((message) =>
    handle.executeUpdate(message, { args: [{ actor: 'operator', reason: 'a test' }] }),
  );
  await Promise.all(wishes);
  expect(mostRecorded).toBe(1);
}, 30_000);
