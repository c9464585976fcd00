import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readEvents } from '../../../src/db/event-store.ts';
import type { GatewayRecord } from '../../../src/db/gateway-record.ts';
import { setDesiredState } from '../../../src/db/gateway-store.ts';
import { setClaimsOpen } from '../../../src/db/gateway-ownership.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

/** A host that looks often, so that many looks fit into a test; the rules are those of production. */
const OBSERVE = { observeEveryMs: 300, answerBoundMs: 1_500, startGraceMs: 0 };
const LATE_MS = 1_500;
const STUCK_MS = 9_000;
const QUIET_MS = 20;

let dash: TestDash;
let first: FakeGateway;
let second: FakeGateway;

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a', { observe: OBSERVE });
  [first, second] = await Promise.all([
    dash.addGateway('gw-1', { laneLimit: 4 }),
    dash.addGateway('gw-2', { laneLimit: 4 }),
  ]);
}, 60_000);

afterAll(() => dash?.close(), 60_000);

function becomes(
  id: string,
  what: string,
  isSo: (gateway: GatewayRecord) => boolean,
): Promise<GatewayRecord> {
  return eventually(
    async () => {
      const now = await dash.gateway(id);
      if (!isSo(now)) throw new Error(JSON.stringify([now.state, now.stateReason, now.health]));
      return now;
    },
    { timeoutMs: 20_000, what: `${id}: ${what}` },
  );
}

const isWell = ({ state, health, lanes }: GatewayRecord): boolean =>
  state === 'open' && health?.verdict === 'healthy' && lanes.health === null;

async function submitAndEnd(count: number, prompt: string): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, () => dash.submit({ prompt, maxAttempts: 1 })),
  );
  await Promise.all(ids.map((id) => dash.ended(id)));
  return ids;
}

/** Takes a gateway out of the choice, so that only the other one can be chosen. */
async function close(id: string, isClosed: boolean): Promise<void> {
  const { db } = dash.database;
  const desired = isClosed ? 'cordoned' : 'running';
  await setDesiredState(db, { gatewayId: id, desired, actor: 'test' });
  await setClaimsOpen(db, { gatewayId: id, open: !isClosed, reason: 'test' });
  await becomes(id, desired, ({ state }) => (state === 'open') !== isClosed);
}

test('a gateway whose event loop is late loses lanes, is degraded with what to do, gets nothing once it is unhealthy, and comes back (R20)', async () => {
  first.setEventLoopDelayMs(LATE_MS);
  const sick = await becomes('gw-1', 'sick', ({ lanes }) => lanes.health === 1);
  expect(sick).toMatchObject({
    state: 'degraded',
    stateReason: 'gets fewer lanes: its event loop is blocked',
    hint: expect.stringContaining('CPU'),
    health: { verdict: 'sick', reasons: ['event-loop'] },
    lanes: { configured: 4, free: 1 },
  });
  first.setEventLoopDelayMs(STUCK_MS);
  await becomes(
    'gw-1',
    'unhealthy',
    ({ health, stateReason }) =>
      health?.verdict === 'unhealthy' && stateReason?.startsWith('gets no new work') === true,
  );
  const before = first.log.runStarts().length;
  await submitAndEnd(12, '[[say:well]]');
  expect(first.log.runStarts()).toHaveLength(before);
  // With nothing else to choose from, work waits in the queue.
  await close('gw-2', true);
  const held = await dash.submit({ prompt: '[[say:waited]]' });
  const looks = (): number => first.log.requests('health').length;
  const seen = looks();
  await eventually(() => looks() >= seen + 3, { what: 'more looks' });
  expect(await getTask(dash.database.db, held)).toMatchObject({ state: 'queued', lastAttempt: 0 });
  first.setEventLoopDelayMs(QUIET_MS);
  expect(await dash.ended(held)).toMatchObject({ state: 'completed', output: 'waited' });
  await becomes('gw-1', 'healthy again', isWell);
  await close('gw-2', false);
  const { events } = await readEvents(dash.database.db, {
    after: 0,
    limit: 1_000,
    filter: { gatewayId: 'gw-1', types: ['gateway.state'] },
  });
  const states = events.map(({ data }) => [data['state'], String(data['reason']).split(':')[0]]);
  expect(states.slice(-4)).toEqual([
    ['degraded', 'gets fewer lanes'],
    ['degraded', 'gets no new work'],
    ['degraded', 'gets fewer lanes'],
    ['open', 'null'],
  ]);
}, 90_000);

test('a gateway where most runs fail keeps one lane at least, and others are preferred until runs succeed there (R20, R21)', async () => {
  await close('gw-2', true);
  first.setScript(() => ({ kind: 'fail', failure: 'provider-down' }));
  await submitAndEnd(8, 'doomed');
  const sick = await becomes('gw-1', 'few lanes', ({ lanes }) => lanes.health === 1);
  expect(sick).toMatchObject({ state: 'degraded', health: { reasons: ['errors'] } });
  expect(sick.recent.errorRate).toBeGreaterThan(0.5);
  await close('gw-2', false);
  const ids = await submitAndEnd(4, '[[say:elsewhere]]');
  for (const id of ids) {
    const [attempt] = await taskAttempts(dash.database.db, id);
    expect(attempt).toMatchObject({ gatewayId: 'gw-2', outcome: 'succeeded' });
  }
  first.setScript(null);
  await close('gw-2', true);
  await submitAndEnd(12, '[[say:fine]]');
  await becomes('gw-1', 'healthy again', isWell);
  await close('gw-2', false);
}, 90_000);

test('a gateway that is silent on open sockets gets no new work, and has its lanes back when it speaks (R15, R20)', async () => {
  second.mute(true);
  await becomes('gw-2', 'unhealthy', ({ health }) => health?.verdict === 'unhealthy');
  expect((await dash.gateway('gw-2')).health).toMatchObject({ reasons: ['no-answer'], lanes: 0 });
  const ids = await submitAndEnd(10, '[[say:heard]]');
  for (const id of ids) {
    const [attempt] = await taskAttempts(dash.database.db, id);
    expect(attempt).toMatchObject({ number: 1, gatewayId: 'gw-1' });
  }
  second.mute(false);
  await becomes('gw-2', 'healthy again', isWell);
}, 90_000);
