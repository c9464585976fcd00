import { beforeEach, describe, expect, it } from '@jest/globals';
import { setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import { setClaimsOpen } from '../../../src/db/gateway-ownership.ts';
import { setDesiredState, writeGatewayState } from '../../../src/db/gateway-store.ts';
import { putPool } from '../../../src/db/pool-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { putTenant } from '../../../src/db/tenant-store.ts';
import { taskFacts } from '../../../src/db/why-queries.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, emptyDatabase, openGateway } from './support.ts';
import { binding, codes, TEMPORAL_GONE, whyOfGateway, whyOfTask } from './why-support.ts';
import { seededRandom } from './random.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

/** Lets a gateway's host look as if it had written nothing for a minute. */
async function silence(gatewayId: string): Promise<void> {
  await database().db.rows(
    `update dash.gateways set last_seen_at = now() - interval '1 minute' where id = $1`,
    [gatewayId],
  );
}

describe('why a claimable task is not claimed', () => {
  it('the fleet is paused: that binds, whatever else holds (architecture 3)', async () => {
    const { db } = database();
    const { id } = await accept(db);
    await setFleetPaused(db, { paused: true, actor: 'ann', reason: 'a bad night' });
    const why = await whyOfTask(db, id);
    expect(codes(why)).toEqual(['fleet-paused', 'pool-empty', 'in-line']);
    expect(why.sentence).toMatch(/fleet has been paused for 0 s by ann \(a bad night\)/);
    expect(binding(why).action).toMatch(/fleet resume/);
  });

  it('Temporal does not answer: nothing is bound to a lane, however free (P16, R32)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const { id } = await accept(db);
    const why = await whyOfTask(db, id, TEMPORAL_GONE);
    expect(codes(why)).toEqual(['temporal-unreachable', 'in-line']);
    expect(why.sentence).toMatch(/connection refused/);
  });

  it('control workers are behind: that binds where a lane is free, and only there (R32, ADR 0012)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    const { id } = await accept(db);
    const behind = { kind: 'behind', waiting: 70, oldestMs: 4_100 } as const;
    const why = await whyOfTask(db, id, behind);
    expect(codes(why)).toEqual(['workflows-behind', 'in-line']);
    expect(why.sentence).toMatch(/^70 steps of workflows wait for a control worker/);
    expect(binding(why).action).toMatch(/control workers run/);
    await db.rows(`update dash.tasks set updated_at = now() - interval '11 seconds'`);
    expect(codes(await whyOfTask(db, id, behind))).toEqual([
      'workflows-behind',
      'hosts-not-claiming',
      'in-line',
    ]);
    const later = await accept(db);
    await claimOne(db, gateway);
    expect(codes(await whyOfTask(db, later.id, behind))).toEqual(['lanes-busy', 'in-line']);
  });

  it('its pool has no gateway (P12)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    await putPool(db, { id: 'gpu', matchLabels: { kind: 'gpu' } });
    const { id } = await accept(db, { pool: 'gpu' });
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'pool-empty',
      facts: { pool: 'gpu' },
    });
  });

  it('no gateway of its pool works for its tenant, and it says which those are (P12, R21)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { allowedTenants: ['other'] });
    const { id } = await accept(db);
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'tenant-not-allowed',
      facts: { tenant: 'default', gateways: ['g1'], pinnedTo: null },
    });
  });

  it('no host of the pool gives a sign (R23)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { hostId: 'h1' });
    await openGateway(db, 'g2', { hostId: 'h2' });
    await silence('g1');
    await silence('g2');
    const { id } = await accept(db);
    const why = await whyOfTask(db, id);
    expect(binding(why)).toMatchObject({
      code: 'no-host-alive',
      facts: { hosts: [{ host: 'h1' }, { host: 'h2' }] },
    });
    expect(why.sentence).toMatch(/h1, h2 give no sign/);
  });

  it('its only gateway is drained, cordoned, failed, unreachable or starting: each with what could be done (R16)', async () => {
    const { db } = database();
    const { ownerEpoch } = await openGateway(db, 'g1');
    const { id } = await accept(db);
    const states = [
      'starting',
      'reconciling',
      'unreachable',
      'cordoned',
      'drained',
      'stopped',
    ] as const;
    for (const state of states) {
      await writeGatewayState(db, {
        gatewayId: 'g1',
        ownerEpoch,
        state,
        reason: null,
        hint: null,
        failure: null,
      });
      const why = await whyOfTask(db, id);
      expect(binding(why)).toMatchObject({
        code: 'gateways-unavailable',
        facts: { gateways: [{ id: 'g1', state }] },
      });
      expect(why.sentence).toContain(`g1 is ${state}`);
      expect(binding(why).action).not.toBeNull();
    }
    await writeGatewayState(db, {
      gatewayId: 'g1',
      ownerEpoch,
      state: 'failed',
      reason: 'its token was refused',
      hint: 'Give it the token of the gateway.',
      failure: 'auth',
    });
    const failed = binding(await whyOfTask(db, id));
    expect(failed.sentence).toMatch(/its token was refused/);
    expect(failed.action).toBe('Give it the token of the gateway.');
  });

  it('its gateway is being drained while its state is still open (P9, P38)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    await setDesiredState(db, { gatewayId: 'g1', desired: 'drained', actor: 'ann' });
    await setClaimsOpen(db, { gatewayId: 'g1', open: false, reason: 'drain' });
    const { id } = await accept(db);
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'gateways-unavailable',
      action: 'dashctl gateway undrain g1',
    });
  });

  it('every lane of its pool is held: by which tasks, since when, longest first (R22)', async () => {
    const { db } = database();
    const gateways = [
      await openGateway(db, 'g1', { configuredLanes: 2 }),
      await openGateway(db, 'g2', { configuredLanes: 1 }),
    ];
    for (let index = 0; index < 3; index += 1) await accept(db);
    await claim(db, gateways);
    const { id } = await accept(db);
    const why = await whyOfTask(db, id);
    expect(codes(why)).toEqual(['lanes-busy', 'in-line']);
    const { gateways: busy } = binding(why).facts as {
      gateways: { id: string; held: number; lanes: number; busyWith: { taskId: string }[] }[];
    };
    expect(busy.map(({ id: name, held, lanes }) => [name, held, lanes])).toEqual([
      ['g1', 2, 2],
      ['g2', 1, 1],
    ]);
    expect(busy[0]?.busyWith).toHaveLength(2);
    expect(why.sentence).toContain(busy[0]?.busyWith[0]?.taskId);
  });

  it('lanes that runs of others use count as used (P10)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 2 });
    await db.rows('update dash.gateways set foreign_runs = 2');
    const { id } = await accept(db);
    const why = await whyOfTask(db, id);
    expect(binding(why).code).toBe('lanes-busy');
    expect(why.sentence).toMatch(/2 runs of others/);
  });

  it('its only gateway is so sick that it has no lane left, or so many fewer that they are in use (R20)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 4 });
    await accept(db);
    await claimOne(db, gateway);
    const { id } = await accept(db);
    await db.rows('update dash.gateways set health_lanes = 0');
    const sick = await whyOfTask(db, id);
    expect(binding(sick).code).toBe('gateways-unavailable');
    expect(sick.sentence).toMatch(/g1 is unhealthy/);
    expect(codes(await whyOfGateway(db, 'g1'))).toContain('lanes-cut-by-health');
    await db.rows('update dash.gateways set health_lanes = 1');
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'lanes-busy',
      facts: { gateways: [{ lanes: 1, held: 1 }] },
    });
  });

  it('its tenant, or the installation, runs as much as it may (R17)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    await claimOne(db, gateway);
    const { id } = await accept(db);
    await setLimits(db, { maxRunningPerTenant: 1 });
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'tenant-cap',
      facts: { tenant: 'default', limit: 1, running: 1 },
    });
    await setLimits(db, { maxRunningPerTenant: null, maxRunningTotal: 1 });
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'total-cap',
      facts: { limit: 1, running: 1 },
    });
  });

  it('its session lives on a gateway that takes no work: that one is named, not the pool (R3)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    await openGateway(db, 'g2');
    await accept(db, { sessionKey: 'talk' });
    const { taskId, attemptId } = await claimOne(db, gateway);
    const { id } = await accept(db, { sessionKey: 'talk' });
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    await db.rows(`update dash.gateways set foreign_runs = 1 where id = 'g1'`);
    const full = await whyOfTask(db, id);
    expect(binding(full)).toMatchObject({ code: 'lanes-busy', facts: { pinnedTo: 'g1' } });
    expect(full.sentence).toMatch(/session talk lives on gateway g1/);
    await silence('g1');
    expect(binding(await whyOfTask(db, id)).code).toBe('no-host-alive');
  });

  it('a lane is free: it is a moment; one that nobody claims in ten seconds has no host that claims (P16)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const { id } = await accept(db);
    expect(codes(await whyOfTask(db, id))).toEqual(['about-to-be-claimed', 'in-line']);
    await db.rows(`update dash.tasks set updated_at = now() - interval '11 seconds'`);
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'hosts-not-claiming',
      facts: { gateways: [{ id: 'g1', host: 'host-1' }] },
    });
  });
});

describe('the rank of a task in its pool', () => {
  it('is its place in the order of the claims, with tenants taking turns by their weights (P11, P14)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 200 });
    const dice = seededRandom(11);
    const anyOf = <Item>(items: readonly Item[]): Item =>
      items[Math.floor(dice() * items.length)] as Item;
    const more = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        await accept(db, { tenant: anyOf(['a', 'b', 'c', 'd']), priority: anyOf([1, 3, 5]) });
      }
    };
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
      await putTenant(db, { id, weight: [1, 2, 3, 7][index] ?? 1, actor: 'test' });
    }
    await more(30);
    await claim(db, [gateway], 12);
    await more(20);
    const queued = await db.rows<{ id: string }>(
      `select id from dash.tasks where state = 'queued'`,
    );
    const places = new Map<string, number>();
    for (const { id } of queued) {
      const facts = await taskFacts(db, id);
      places.set(id, facts?.queue?.rank.ahead ?? -1);
    }
    const claims = await claim(db, [gateway]);
    expect(claims.map(({ taskId }) => places.get(taskId))).toEqual(claims.map((_, place) => place));
    expect(claims).toHaveLength(38);
  });

  it('is exact up to 1 000 before it, beyond that it says so with what the counters know (architecture 3)', async () => {
    const { db } = database();
    await accept(db);
    await db.rows(`
      insert into dash.tasks
        (id, seq, tenant, pool, agent, prompt, priority, effective_priority, state, workflow_id, correlation_id)
      select 'many-' || i, 1000000 + i, 'default', 'default', 'main', 'x', 3, 3, 'queued', 'task/many-' || i, 'c'
      from generate_series(1, 1200) i`);
    const at = async (id: string) => (await taskFacts(db, id))?.queue?.rank;
    expect(await at('many-1000')).toEqual({ ahead: 1000, pinnedAhead: 0, openInPool: null });
    expect(await at('many-1001')).toEqual({ ahead: 1001, pinnedAhead: 0, openInPool: 1 });
    const why = await whyOfTask(db, 'many-1200');
    expect(why.reasons.at(-1)).toMatchObject({ code: 'in-line', facts: { place: null } });
    expect(why.reasons.at(-1)?.sentence).toMatch(/More than 1 000 tasks/);
  });

  it('counts tasks of sessions that live on a gateway of the pool apart (P11)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    await accept(db, { sessionKey: 'talk', priority: 1 });
    await db.rows(`update dash.tasks set pinned_gateway = 'g1'`);
    const { id } = await accept(db);
    expect((await taskFacts(db, id))?.queue?.rank).toEqual({
      ahead: 0,
      pinnedAhead: 1,
      openInPool: null,
    });
  });
});
