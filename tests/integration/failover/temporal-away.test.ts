import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { startTestDash, TEST_HOLD, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal, type OwnTemporal } from '../../support/own-temporal.ts';

let temporal: OwnTemporal;
let dash: TestDash;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  dash = await startTestDash({ temporalAddress: temporal.address });
}, 60_000);

afterAll(async () => {
  await dash?.close();
  await temporal?.close();
}, 60_000);

test('Temporal is away for three heartbeat time-outs under running work on two hosts: no abort, no reconnect, no second send, every gateway still with its host (P16, P26, P32)', async () => {
  await dash.startHost('host-a', { maxGateways: 1 });
  await dash.startHost('host-b', { maxGateways: 1 });
  const gateways = [await dash.addGateway('gw-1'), await dash.addGateway('gw-2')];
  const ownersBefore = [
    (await dash.gateway('gw-1')).ownerHost,
    (await dash.gateway('gw-2')).ownerHost,
  ];
  expect(new Set(ownersBefore)).toEqual(new Set(['host-a', 'host-b']));
  // Some end while Temporal is away, some after its return.
  const tasks: string[] = [];
  for (const sleepMs of [2_000, 5_000, 9_000, 16_000, 16_000, 20_000]) {
    tasks.push(await dash.submit({ prompt: `long [[sleep:${sleepMs}]] [[say:done]]` }));
  }
  const started = (taskId: string): number =>
    gateways.reduce((sum, gateway) => sum + gateway.log.runsStarted(taskId).length, 0);
  await eventually(() => tasks.every((taskId) => started(taskId) === 1), { what: 'all runs' });
  const connects = gateways.map((gateway) => gateway.log.requests('connect').length);

  await temporal.kill();
  // Accepting needs PostgreSQL only; nothing is bound to a lane meanwhile.
  const accepted = await dash.submit({ prompt: 'accepted meanwhile [[say:later]]' });
  await systemClock().sleep(3 * TEST_HOLD.timeoutMs + 1_000);
  expect((await getTask(dash.database.db, accepted))?.state).toBe('queued');
  expect((await getTask(dash.database.db, tasks[0] ?? ''))?.state).toBe('completed');
  await temporal.start();

  for (const taskId of tasks) {
    expect((await dash.ended(taskId, 60_000)).output).toBe('done');
    expect(started(taskId)).toBe(1);
    expect(await taskAttempts(dash.database.db, taskId)).toHaveLength(1);
  }
  expect((await dash.ended(accepted, 60_000)).output).toBe('later');
  for (const gateway of gateways) expect(gateway.log.requests('sessions.abort')).toEqual([]);
  expect(gateways.map((gateway) => gateway.log.requests('connect').length)).toEqual(connects);
  await eventually(
    async () => {
      const owners = [await dash.gateway('gw-1'), await dash.gateway('gw-2')];
      return owners.every((gateway) => gateway.state === 'open');
    },
    { timeoutMs: 30_000 },
  );
  expect([(await dash.gateway('gw-1')).ownerHost, (await dash.gateway('gw-2')).ownerHost]).toEqual(
    ownersBefore,
  );
}, 180_000);
