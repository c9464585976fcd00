import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createGatewayControlActivities } from '../../../activities/gateway-control/gateway-control.ts';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { writeSealedToken } from '../../../src/db/gateway-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { GatewayMessage, GatewayState } from '../../../src/domain/gateway.ts';
import type { GatewayCommandResult } from '../../../src/domain/messages.ts';
import { sealSecret } from '../../../src/platform/secret-box.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

let dash: TestDash;

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a');
}, 60_000);

afterAll(() => dash?.close(), 30_000);

const tell = (gatewayId: string, message: GatewayMessage): Promise<GatewayCommandResult> =>
  dash.messages.updateGateway(gatewayId, message, { actor: 'test', reason: 'a test' });

async function reaches(gatewayId: string, state: GatewayState): Promise<void> {
  await eventually(
    async () => {
      const now = await dash.gateway(gatewayId);
      if (now.state !== state) throw new Error(`${gatewayId} is ${now.state}: ${now.stateReason}`);
      return true;
    },
    { timeoutMs: 30_000, what: `${gatewayId} to be ${state}` },
  );
}

/** A pool of one gateway, so that tests do not take each other's lanes. */
async function lonelyGateway(id: string): ReturnType<TestDash['addGateway']> {
  await dash.database.db.rows('insert into dash.pools (id, match_labels) values ($1, $2)', [
    id,
    JSON.stringify({ only: id }),
  ]);
  return dash.addGateway(id, { labels: { only: id } });
}

test('a drain stops new work, lets running work end, loses nothing, and is undone by undrain (R27, P38)', async () => {
  const gateway = await lonelyGateway('drained');
  const running = await dash.submit({
    prompt: 'runs [[sleep:2500]] [[say:first]]',
    pool: 'drained',
  });
  await eventually(() => gateway.log.runsStarted(running).length === 1);
  expect(await tell('drained', 'drain')).toEqual({ kind: 'recorded', state: 'draining' });
  const waiting = await dash.submit({ prompt: 'waits [[say:second]]', pool: 'drained' });
  await reaches('drained', 'drained');
  expect((await dash.ended(running)).output).toBe('first');
  expect((await getTask(dash.database.db, waiting))?.state).toBe('queued');
  expect(gateway.log.runsStarted(waiting)).toEqual([]);
  expect((await tell('drained', 'undrain')).kind).toBe('recorded');
  expect((await dash.ended(waiting)).output).toBe('second');
  await reaches('drained', 'open');
}, 60_000);

test('a drain that is overdue stays draining, counts what goes on, and is drained when the last run ends (P38)', async () => {
  const gateway = await lonelyGateway('overdue');
  const tasks = [
    await dash.submit({ prompt: 'short [[sleep:2500]] [[say:first]]', pool: 'overdue' }),
    await dash.submit({ prompt: 'long [[sleep:5000]] [[say:second]]', pool: 'overdue' }),
  ];
  await eventually(() => tasks.every((task) => gateway.log.runsStarted(task).length === 1));
  await tell('overdue', 'drain');
  const control = createGatewayControlActivities({ db: dash.database.db, holdTimeoutMs: 3_000 });
  // The bound itself is half an hour: this is what the gateway's workflow does then.
  await control.reportOverdueDrain({ gatewayId: 'overdue', running: 2, boundMs: 1_800_000 });
  await dash.ended(tasks[0]!);
  const late = await eventually(async () => {
    const now = await dash.gateway('overdue');
    return now.stateReason?.startsWith('1 ') && now;
  });
  expect(late).toMatchObject({ state: 'draining', hint: expect.stringContaining('30 minutes') });
  await dash.ended(tasks[1]!);
  await reaches('overdue', 'drained');
  expect(await dash.gateway('overdue')).toMatchObject({ hint: null });
}, 60_000);

test('a cordoned gateway takes no new work until it is uncordoned (R27)', async () => {
  const gateway = await lonelyGateway('cordoned');
  expect((await tell('cordoned', 'cordon')).kind).toBe('recorded');
  await reaches('cordoned', 'cordoned');
  const waiting = await dash.submit({ prompt: 'waits [[say:done]]', pool: 'cordoned' });
  await reaches('cordoned', 'cordoned');
  expect(gateway.log.runsStarted(waiting)).toEqual([]);
  await tell('cordoned', 'uncordon');
  expect((await dash.ended(waiting)).output).toBe('done');
}, 60_000);

test('a restart drains first, comes back as another boot, and takes work again (R27)', async () => {
  const gateway = await lonelyGateway('restarted');
  const running = await dash.submit({
    prompt: 'runs [[sleep:1500]] [[say:done]]',
    pool: 'restarted',
  });
  await eventually(() => gateway.log.runsStarted(running).length === 1);
  const bootBefore = gateway.bootId();
  expect((await tell('restarted', 'restart')).kind).toBe('recorded');
  await eventually(() => gateway.bootId() !== null && gateway.bootId() !== bootBefore, {
    timeoutMs: 30_000,
    what: 'another boot',
  });
  expect((await dash.ended(running)).output).toBe('done');
  expect(await taskAttempts(dash.database.db, running)).toHaveLength(1);
  await reaches('restarted', 'open');
  const after = await dash.submit({ prompt: 'after [[say:again]]', pool: 'restarted' });
  expect((await dash.ended(after)).output).toBe('again');
}, 90_000);

test('what a state does not accept is refused with the state and what it accepts (R27)', async () => {
  await lonelyGateway('particular');
  expect(await tell('particular', 'undrain')).toMatchObject({
    kind: 'refused',
    state: 'open',
    accepts: expect.arrayContaining(['drain', 'restart']),
  });
}, 60_000);

test('a stopped gateway stays stopped until it is started, and keeps answering its operators (P33)', async () => {
  await lonelyGateway('stopped');
  expect((await tell('stopped', 'stop')).kind).toBe('recorded');
  await reaches('stopped', 'stopped');
  expect((await tell('stopped', 'start')).kind).toBe('recorded');
  await reaches('stopped', 'open');
}, 60_000);

test('a gateway is removed only when nothing needs it, its id is never used again, and its workflow ends (R27)', async () => {
  const gateway = await lonelyGateway('removed');
  const running = await dash.submit({
    prompt: 'runs [[sleep:1500]] [[say:done]]',
    pool: 'removed',
  });
  await eventually(() => gateway.log.runsStarted(running).length === 1);
  await tell('removed', 'drain');
  const refused = await tell('removed', 'remove');
  expect(refused).toMatchObject({ kind: 'refused' });
  await dash.ended(running);
  await reaches('removed', 'drained');
  expect(await tell('removed', 'remove')).toEqual({ kind: 'recorded', state: 'removed' });
  const handle = dash.temporal.client.workflow.getHandle('gateway/removed');
  await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', {
    timeoutMs: 30_000,
    what: 'the workflow to end',
  });
}, 60_000);

test('a refused token is a state with a hint, not a retry loop; with the right token recover opens it (R26)', async () => {
  const gateway = await dash.addGateway('locked', { registeredToken: 'wrong', awaitOpen: false });
  await reaches('locked', 'failed');
  expect(await dash.gateway('locked')).toMatchObject({ failure: 'auth' });
  expect((await dash.gateway('locked')).hint).toMatch(/token/i);
  const knocks = gateway.log.requests('connect').length;
  await dash.gateway('locked');
  await writeSealedToken(dash.database.db, {
    gatewayId: 'locked',
    sealedToken: sealSecret(dash.secretKey, gateway.token),
  });
  expect((await tell('locked', 'recover')).kind).toBe('recorded');
  await reaches('locked', 'open');
  // One refused knock, then one with the right token: nothing in between.
  expect(knocks).toBe(1);
  expect(gateway.log.requests('connect')).toHaveLength(2);
}, 60_000);

test('a gateway that nobody can reach is named unreachable with what to check, and opens when it is there (R26)', async () => {
  const gateway = await lonelyGateway('away');
  await gateway.crash();
  await reaches('away', 'unreachable');
  expect((await dash.gateway('away')).hint).toMatch(/endpoint/);
  await gateway.start();
  await reaches('away', 'open');
}, 60_000);
