import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chainHistory,
  getChain,
  pauseChain,
  putChain,
  removeChain,
  type ChainRecord,
} from '../../../src/db/chain-store.ts';
import type { ChainSettings } from '../../../src/domain/dashboard-chain/settings.ts';
import { healthOf, type ChainHealth } from '../../../src/domain/dashboard-chain/words.ts';
import { chainWorkflowId } from '../../../src/domain/names.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

const SETTINGS: ChainSettings = {
  accessUrl: null,
  proxied: false,
  bind: null,
  wslAddress: null,
  otherOrigins: [],
  pinnedFingerprint: null,
  intervalSeconds: 1,
};

let dash: TestDash;

beforeEach(async () => {
  dash = await startTestDash();
}, 150_000);

afterEach(async () => {
  await dash?.close();
}, 150_000);

async function watchDashboard(settings: Partial<ChainSettings> = {}): Promise<void> {
  const { db } = dash.database;
  await putChain(db, { gatewayId: 'g1', settings: { ...SETTINGS, ...settings }, actor: 'ann' });
  await dash.messages.ensureChain('g1');
}

async function chain(): Promise<ChainRecord> {
  const row = await getChain(dash.database.db, 'g1');
  if (row === null) throw new Error('there is no chain');
  return row;
}

function becomes(health: ChainHealth): Promise<ChainRecord> {
  return eventually(
    async () => {
      const row = await chain();
      if (row.verdict === null || healthOf(row.verdict) !== health)
        throw new Error(JSON.stringify(row.verdict));
      return row;
    },
    { timeoutMs: 30_000, what: `the chain to be ${health}` },
  );
}

/** Oldest first. */
async function told(): Promise<{ type: string; episode: unknown }[]> {
  const events = await chainHistory(dash.database.db, { gatewayId: 'g1', limit: 100 });
  return events.toReversed().map(({ type, data }) => ({ type, episode: data['episode'] ?? null }));
}

async function historyLength(): Promise<number> {
  const handle = dash.temporal.client.workflow.getHandle(chainWorkflowId('g1'));
  return (await handle.describe()).historyLength;
}

/** Of the watch: it beats before and after each look. */
async function nextBeat(): Promise<void> {
  const handle = dash.temporal.client.workflow.getHandle(chainWorkflowId('g1'));
  const last = async (): Promise<string> => {
    const { raw } = await handle.describe();
    return JSON.stringify(raw.pendingActivities?.[0]?.lastHeartbeatTime ?? null);
  };
  const before = await last();
  await eventually(async () => (await last()) !== before, {
    timeoutMs: 20_000,
    what: 'a further look',
  });
}

test('a watch says which link is broken and when all is well again; only such changes cost history and events (R60, R63)', async () => {
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard();
  await becomes('healthy');
  const { db } = dash.database;
  // The row says it before the workflow has heard of it, and watches on.
  await nextBeat();
  const before = await historyLength();
  for (let looks = 0; looks < 3; looks += 1) await nextBeat();
  expect(await historyLength()).toBe(before);
  expect(await told()).toHaveLength(2);

  await fake.crash();
  const down = await becomes('unhealthy');
  expect(down.verdict).toMatchObject({
    gateway: { state: 'broken', reason: 'gateway-not-listening' },
    cors: { state: 'unknown', behind: 'gateway' },
  });
  expect(down.episodeSince).not.toBeNull();

  await fake.start();
  expect(await becomes('healthy')).toMatchObject({ episodeSince: null });
  expect(await told()).toEqual([
    { type: 'chain.set', episode: null },
    { type: 'chain.verdict', episode: null },
    { type: 'chain.verdict', episode: 'began' },
    { type: 'chain.verdict', episode: 'ended' },
  ]);
  await removeChain(db, { gatewayId: 'g1', actor: 'ann' });
  const handle = dash.temporal.client.workflow.getHandle(chainWorkflowId('g1'));
  await handle.result();
}, 150_000);

test('verify looks anew and writes nothing; without a host nobody can tell (R60, R61)', async () => {
  const host = await dash.startHost('a');
  await dash.addGateway('g1');
  await watchDashboard({ otherOrigins: ['https://ui.example'], intervalSeconds: 3_600 });
  const before = await becomes('unhealthy');
  expect(await dash.messages.verifyChain('g1')).toMatchObject({
    kind: 'seen',
    verdict: {
      gateway: { state: 'ok' },
      cors: { reason: 'cors-origin-refused', evidence: { origins: ['https://ui.example'] } },
    },
  });
  expect(await chain()).toEqual(before);
  await host.close();
  expect(await dash.messages.verifyChain('g1')).toEqual({ kind: 'no-host' });
}, 150_000);

test('what is down by plan is expected and begins no episode; at the end of the pause it counts again (R61)', async () => {
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard();
  await becomes('healthy');
  const { db } = dash.database;
  const pause = { until: null, reason: 'the proxy moves' };
  await pauseChain(db, { gatewayId: 'g1', pause, actor: 'ann' });
  await fake.crash();
  expect(await becomes('planned')).toMatchObject({
    episodeSince: null,
    verdict: { gateway: { state: 'expected', because: 'ann paused it: the proxy moves' } },
  });
  await pauseChain(db, { gatewayId: 'g1', pause: null, actor: 'ann' });
  expect((await becomes('unhealthy')).episodeSince).not.toBeNull();
  const pastEnd = { until: new Date(Date.now() - 1_000).toISOString(), reason: '' };
  await pauseChain(db, { gatewayId: 'g1', pause: pastEnd, actor: 'ann' });
  expect(await chain()).toMatchObject({ pause: null });
}, 150_000);

test('the next owner of the gateway goes on with the watch and its episode; while nobody holds it nobody can tell', async () => {
  const first = await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard();
  await becomes('healthy');
  await fake.crash();
  const { episodeSince } = await becomes('unhealthy');
  await first.close();
  await eventually(async () => (await chain()).verdict === null, {
    timeoutMs: 60_000,
    what: 'the chain to be unwatched',
  });
  expect(await chain()).toMatchObject({ episodeSince });
  await dash.startHost('b');
  expect(await becomes('unhealthy')).toMatchObject({ episodeSince });
  await fake.start();
  await becomes('healthy');
  const episodes = (await told()).map(({ episode }) => episode).filter((one) => one !== null);
  expect(episodes).toEqual(['began', 'ended']);
}, 150_000);
