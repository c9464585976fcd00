import { expect, test } from '@jest/globals';
import { pauseChain, removeChain } from '../../../src/db/chain-store.ts';
import { chainWorkflowId } from '../../../src/domain/names.ts';
import { eventually } from '../../support/eventually.ts';
import { withChainWorld } from './support/chain-world.ts';

const world = withChainWorld();

/** Oldest first. */
async function told(): Promise<{ type: string; episode: unknown }[]> {
  const events = await world().told();
  return events.map(({ type, data }) => ({ type, episode: data['episode'] ?? null }));
}

test('a watch says which link is broken and when all is well again; only such changes cost history and events (R60, R63)', async () => {
  const { dash, becomes, watchDashboard, quiet, nextBeat, historyLength } = world();
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard();
  await becomes('healthy');
  const { db } = dash.database;
  const steady = await quiet();
  for (let looks = 0; looks < 3; looks += 1) await nextBeat();
  expect(await historyLength()).toBe(steady);
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
  const { dash, becomes, watchDashboard, chain } = world();
  const host = await dash.startHost('a');
  await dash.addGateway('g1');
  await watchDashboard({ otherOrigins: ['https://ui.example'], intervalSeconds: 3_600 });
  await becomes('unhealthy');
  // What is to be done about it is written once it was thought of.
  await eventually(async () => (await chain()).plan !== null, { timeoutMs: 30_000 });
  const before = await chain();
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
  const { dash, becomes, watchDashboard, chain } = world();
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard();
  await becomes('healthy');
  const { db } = dash.database;
  const pause = { until: null, reason: 'the proxy moves' };
  await pauseChain(db, { gatewayId: 'g1', pause, actor: 'ann' });
  await fake.crash();
  const asked = await dash.messages.healChain('g1', { actor: 'ann', dryRun: false });
  expect(asked).toMatchObject({ kind: 'done', taken: [], plan: [] });
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
  const { dash, becomes, watchDashboard, chain } = world();
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
