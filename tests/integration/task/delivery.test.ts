import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { CONTROL_QUEUE } from '../../../src/domain/names.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { createTemporalClient, type TemporalClient } from '../../../src/temporal/connect.ts';
import { createDelivery, type Delivery } from '../../../workers/delivery.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';
import { claimFrom, openRowGateway, type RowGateway } from '../../support/row-executor.ts';

let dash: TestDash;
let gateway: RowGateway;
let away: TemporalClient;

beforeAll(async () => {
  dash = await startTestDash();
  gateway = await openRowGateway(dash.database.db, { gatewayId: 'rows' });
  // Nobody listens there: Temporal as a host sees it when it is away.
  away = createTemporalClient({ connection: { address: '127.0.0.1:1' }, namespace: 'default' });
}, 60_000);

afterAll(async () => {
  await away?.close();
  await dash?.close();
}, 30_000);

function delivery(client = dash.temporal.client): {
  delivery: Delivery;
  released: () => number;
  begun: readonly string[];
} {
  let released = 0;
  const begun: string[] = [];
  return {
    released: () => released,
    begun,
    delivery: createDelivery({
      db: dash.database.db,
      client,
      clock: systemClock(),
      log: { warn: () => undefined },
      runHeartbeatTimeoutMs: 3_000,
      onStarted: ({ attemptId }) => void begun.push(attemptId),
      onRoom: () => {
        released += 1;
      },
      swarmNews: () => undefined,
    }),
  };
}

async function claimOne(prompt: string): Promise<Awaited<ReturnType<typeof claimFrom>>[number]> {
  const taskId = await dash.submit({ prompt });
  const claims = await claimFrom(dash.database.db, gateway);
  const claim = claims.find((one) => one.taskId === taskId);
  if (claim === undefined) throw new Error('not claimed');
  return claim;
}

test('an attempt that Temporal does not acknowledge within five seconds goes back into the queue with its old seq, unsent (P18)', async () => {
  const claim = await claimOne('no Temporal');
  const seqBefore = (await getTask(dash.database.db, claim.taskId))?.seq;
  const { delivery: undelivered, released, begun } = delivery(away.client);
  undelivered.deliver(claim);
  await undelivered.close();
  expect(released()).toBe(1);
  expect(begun).toEqual([]);
  const task = await getTask(dash.database.db, claim.taskId);
  expect(task).toMatchObject({ state: 'queued', seq: seqBefore });
  const [attempt] = await taskAttempts(dash.database.db, claim.taskId);
  expect(attempt).toMatchObject({ state: 'released', holdsLane: false, runIds: [] });
}, 30_000);

test('a delivery that is repeated reaches the workflow that runs, and starts no second one; only the start begins a run (P17)', async () => {
  const [claim] = await claimFrom(dash.database.db, gateway);
  if (claim === undefined) throw new Error('the released task was not claimed again');
  const { delivery: first, begun: atFirst } = delivery();
  first.deliver(claim);
  await first.close();
  const handle = dash.temporal.client.workflow.getHandle(claim.workflowId);
  const { runId } = await handle.describe();
  const { delivery: second, begun: atSecond } = delivery();
  second.deliver(claim);
  await second.close();
  expect((await handle.describe()).runId).toBe(runId);
  expect([atFirst, atSecond]).toEqual([[claim.attemptId], []]);
  const attempts = await taskAttempts(dash.database.db, claim.taskId);
  expect(attempts.at(-1)?.deliveredAt).not.toBeNull();
}, 30_000);

test('an attempt whose workflow has already ended is never sent: a person decides (P17)', async () => {
  const claim = await claimOne('carried before');
  const handle = await dash.temporal.client.workflow.start('taskWorkflow', {
    workflowId: claim.workflowId,
    taskQueue: CONTROL_QUEUE,
    args: [{ taskId: claim.taskId, attemptId: claim.attemptId, gatewayId: 'rows', waiting: true }],
  });
  await handle.terminate('somebody ended it');
  await eventually(async () => (await handle.describe()).status.name === 'TERMINATED');
  const { delivery: late, begun } = delivery();
  late.deliver(claim);
  await late.close();
  expect(begun).toEqual([]);
  const [attempt] = await taskAttempts(dash.database.db, claim.taskId);
  expect(attempt).toMatchObject({
    state: 'indeterminate',
    indeterminateReason: 'workflow-closed',
    runIds: [],
  });
}, 30_000);
