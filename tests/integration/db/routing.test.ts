import assert from 'node:assert/strict';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { closeAttempt, beginSending, markAccepted } from '../../../src/db/attempt-run.ts';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { updateGateway } from '../../../src/db/gateway-settings.ts';
import { getGateway, listGateways, recordObservation } from '../../../src/db/gateway-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import type { RunFailure, Usage } from '../../../src/domain/failure.ts';
import { HEALTHY, type HealthState } from '../../../src/domain/gateway-health.ts';
import { route, scoreNow } from '../../../src/router/route.ts';
import { candidateOf, offerOf } from '../../../workers/offers.ts';
import { withDatabase } from '../../support/database.ts';
import { seededRandom } from './random.ts';
import { fits, fleets, type FleetGateway, type FleetTask } from './route-fleets.ts';
import {
  HOST,
  accept,
  claim,
  claimOne,
  completed,
  emptyDatabase,
  openGateway,
  own,
  taskOf,
} from './support.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

describe('a random fleet', () => {
  it('never gives a task to a drained, full, unhealthy, incompatible or forbidden gateway, always to the best of the others, and leaves none waiting beside a free one (R21, R22)', async () => {
    const client = await database().db.pool.connect();
    try {
      await fc.assert(
        fc.asyncProperty(fleets, async ({ gateways, tasks }) => {
          await client.query('begin');
          const claims = await claimInFleet(client, gateways, tasks);
          await client.query('rollback');
          checkClaims(gateways, tasks, claims);
        }),
        { numRuns: 300 },
      );
    } finally {
      client.release();
    }
  }, 120_000);
});

async function claimInFleet(
  client: PoolClient,
  gateways: readonly FleetGateway[],
  tasks: readonly FleetTask[],
): Promise<Claim[]> {
  const rows = gateways.map((one) => ({ ...one, id: one.gatewayId, lanes: null }));
  await client.query(
    `insert into dash.pools (id, match_labels)
     values ('red', '{"team": "red"}'), ('blue', '{"team": "blue"}') on conflict do nothing`,
  );
  await client.query(
    `insert into dash.gateways (id, kind, endpoint, labels, allowed_tenants, configured_lanes, reported_lanes,
       health_lanes, foreign_runs, state, claims_open, owner_host, owner_epoch)
     select g->>'id', 'adopted', 'ws://x', jsonb_build_object('team', g->>'team'), dash.text_array(g->'allowedTenants'),
       (g->>'configured')::integer, (g->>'reported')::integer, (g->>'health')::integer, (g->>'foreign')::integer,
       g->>'state', (g->>'claimsOpen')::boolean, case when (g->>'isOwned')::boolean then '${HOST}' else 'other' end, 1
     from jsonb_array_elements($1) g`,
    [JSON.stringify(rows)],
  );
  await client.query(
    `insert into dash.gateway_stats (gateway_id, spend)
     select g->>'id', (g->>'spend')::float8 from jsonb_array_elements($1) g`,
    [JSON.stringify(rows)],
  );
  await client.query('select dash.accept(t) from jsonb_array_elements($1) t', [
    JSON.stringify(
      tasks.map(({ pin: _pin, ...task }) => ({
        ...taskOf(task as object),
        workflowId: `task/${task.id}`,
      })),
    ),
  ]);
  await client.query(
    `update dash.tasks t set pinned_gateway = p->>'gateway' from jsonb_array_elements($1) p
     where t.id = p->>'id' and exists (select 1 from dash.gateways where id = p->>'gateway')`,
    [
      JSON.stringify(
        tasks.map(({ id, pin }) => ({ id, gateway: pin === null ? null : `g${pin}` })),
      ),
    ],
  );
  await client.query(`delete from dash.tasks where id = any($1)`, [
    tasks.filter(({ pin }) => pin !== null && pin >= gateways.length).map(({ id }) => id),
  ]);
  // All of them are offered, as by a host that knows nothing of what has changed since.
  const offered = route(gateways).map((routed) =>
    offerOf({ gatewayId: routed.gatewayId, ownerEpoch: 1, lanes: 1_000 }, routed),
  );
  const { rows: answers } = await client.query<{ answer: { claims: Claim[] } }>(
    'select dash.claim($1) as answer',
    [JSON.stringify({ hostId: HOST, gateways: offered, max: 100 })],
  );
  return answers[0]!.answer.claims;
}

/** Plays the claims in their order: what was free and fit at that moment, and what the router's formula says. */
function checkClaims(
  gateways: readonly FleetGateway[],
  tasks: readonly FleetTask[],
  claims: readonly Claim[],
): void {
  const routed = new Map(route(gateways).map((one) => [one.gatewayId, one]));
  const top = Math.max(...gateways.map(({ spend }) => spend));
  const account = new Map(
    gateways.map(({ gatewayId, spend }) => {
      const credit = routed.get(gatewayId)!.spend?.credit ?? 0;
      return [gatewayId, Math.max(0, spend - (top - credit))];
    }),
  );
  const used = new Map(gateways.map(({ gatewayId, foreign }) => [gatewayId, foreign]));
  const free = (one: FleetGateway): number => one.lanes - used.get(one.gatewayId)!;
  const scoreOf = (one: FleetGateway): number =>
    scoreNow(routed.get(one.gatewayId)!, {
      runs: used.get(one.gatewayId)!,
      spendAhead: account.get(one.gatewayId)!,
    });
  const able = (task: FleetTask): FleetGateway[] =>
    gateways.filter((one) => fits(one, task) && free(one) > 0);
  for (const { taskId, gatewayId } of claims) {
    const options = able(tasks.find(({ id }) => id === taskId)!);
    const chosen = options.find((one) => one.gatewayId === gatewayId);
    assert.ok(chosen, `${taskId} on ${gatewayId}, which may not have it`);
    const best = Math.max(...options.map(scoreOf));
    assert.ok(scoreOf(chosen) >= best - 1e-9, `${gatewayId} is not the best for ${taskId}`);
    used.set(gatewayId, used.get(gatewayId)! + 1);
    account.set(gatewayId, account.get(gatewayId)! + (routed.get(gatewayId)!.spend?.charge ?? 0));
  }
  const taken = new Set(claims.map(({ taskId }) => taskId));
  for (const task of tasks.filter(({ id }) => !taken.has(id))) {
    assert.deepEqual(able(task), [], `${task.id} waits beside a gateway that is free for it`);
  }
}

/** Offers as a host makes them: scored from the rows. */
async function claimRouted(db: Database, max: number): Promise<Claim[]> {
  const rows = await listGateways(db);
  const offers = route(rows.map((row) => candidateOf(row, new Map()))).map((routed) =>
    offerOf({ gatewayId: routed.gatewayId, ownerEpoch: 1, lanes: 1_000 }, routed),
  );
  return claim(db, offers, max);
}

async function ends(
  db: Database,
  { taskId, attemptId, ownerEpoch }: Claim,
  usage: Usage | null = null,
): Promise<void> {
  await settleTask(db, {
    taskId,
    attemptId,
    ownerEpoch,
    attemptOutcome: 'succeeded',
    end: { ...completed(), usage },
  });
}

function costing(costUsd: number): Usage {
  return { inputTokens: 1, outputTokens: 1, totalTokens: 2, costUsd };
}

describe('shares of the spend', () => {
  const weights = { g1: 1, g2: 2, g3: 5 } as const;
  type Id = keyof typeof weights;
  const ids = Object.keys(weights) as Id[];

  /** Submits in bursts, with at most ten running at a time, and ends them in any order. */
  async function underLoad(
    tasks: number,
    costOf: (id: Id) => number | null,
  ): Promise<Map<Id, number>> {
    const { db } = database();
    const random = seededRandom(57);
    for (const id of ids) {
      await openGateway(db, id, { configuredLanes: 10, costWeight: weights[id] });
    }
    const spent = new Map<Id, number>(ids.map((id) => [id, 0]));
    const running: Claim[] = [];
    for (let left = tasks; left > 0 || running.length > 0;) {
      const burst = Math.min(left, 1 + Math.floor(random() * 4), 10 - running.length);
      await Promise.all(Array.from({ length: burst }, () => accept(db)));
      left -= burst;
      if (burst > 0) running.push(...(await claimRouted(db, 10)));
      for (let over = 1 + Math.floor(random() * 3); over > 0 && running.length > 0; over -= 1) {
        const [one] = running.splice(Math.floor(random() * running.length), 1);
        const id = one!.gatewayId as Id;
        const cost = costOf(id);
        await ends(db, one!, cost === null ? null : costing(cost));
        spent.set(id, spent.get(id)! + (cost ?? 1));
      }
    }
    return spent;
  }

  it.each<[string, (id: Id) => number | null]>([
    ['attempts, where no cost is known', () => null],
    ['what was paid, where one gateway is four times as dear', (id) => (id === 'g3' ? 0.04 : 0.01)],
  ])(
    'follow the weights within 5 percent, counted in %s (R57)',
    async (_counted, costOf) => {
      const spent = await underLoad(160, costOf);
      const total = [...spent.values()].reduce((sum, one) => sum + one, 0);
      for (const id of ids) {
        expect(Math.abs(spent.get(id)! / total - weights[id] / 8)).toBeLessThan(0.05);
      }
    },
    60_000,
  );

  it('give a gateway that was away no claim to all that it missed (R57)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 100 });
    await openGateway(db, 'g2', { configuredLanes: 100, costWeight: 1.01 });
    await db.rows(`update dash.gateway_stats set spend = 1000000 where gateway_id = 'g1'`);
    for (let index = 0; index < 30; index += 1) await accept(db);
    const claims = await claimRouted(db, 30);
    const onFirst = claims.filter(({ gatewayId }) => gatewayId === 'g1').length;
    expect(onFirst).toBeGreaterThan(10);
  });
});

const BROKEN: RunFailure = {
  runId: 'r',
  class: 'transient',
  message: 'the provider is away',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
};

describe('what attempts show of their gateway', () => {
  async function attempt(outcome: 'succeeded' | 'cancelled' | Partial<RunFailure>): Promise<void> {
    const { db } = database();
    await accept(db, { maxAttempts: 1 });
    const [taken] = await claimRouted(db, 1);
    const { attemptId, ownerEpoch } = taken!;
    const run = { attemptId, ownerEpoch, runId: attemptId, bootId: 'b', stateId: 's' };
    await beginSending(db, run);
    await db.rows(
      `update dash.attempts set sending_at = now() - interval '400 milliseconds' where id = $1`,
      [attemptId],
    );
    await markAccepted(db, { attemptId, ownerEpoch });
    await closeAttempt(db, {
      attemptId,
      ownerEpoch,
      ...(typeof outcome === 'string'
        ? { outcome }
        : { outcome: 'failed', failure: { ...BROKEN, ...outcome } }),
    });
  }

  it('counts failures of the gateway, not those of the task, and how fast it accepts (R21)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 50 });
    await attempt('succeeded');
    await attempt({});
    await attempt({ class: 'rate-limited' });
    await attempt({ class: 'unknown' });
    const shown = (await getGateway(db, 'g1'))!.recent;
    expect(shown.runs).toBeCloseTo(4, 0);
    expect(shown.errorRate).toBeCloseTo(0.75, 1);
    expect(shown.acceptMs).toBeGreaterThanOrEqual(400);
    expect(shown.acceptMs).toBeLessThan(5_000);
    expect(shown.runMs).not.toBeNull();
    // Permanent, aborted, out of its own time, cancelled: the same would have happened anywhere.
    await attempt({ class: 'permanent' });
    await attempt({ aborted: true });
    await attempt({ timedOut: true });
    await attempt('cancelled');
    expect((await getGateway(db, 'g1'))!.recent.runs).toBeCloseTo(4, 0);
  });

  it('fades with time, outlives a change of owner, and steers the next claims away (R21)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    for (let index = 0; index < 6; index += 1) await attempt({});
    await openGateway(db, 'g2');
    await own(db, 'g1', 'host-2');
    const worn = (await getGateway(db, 'g1'))!;
    expect(worn).toMatchObject({ ownerHost: 'host-2', ownerEpoch: 2, recent: { errorRate: 1 } });
    await db.rows(`update dash.gateways set owner_host = $1, owner_epoch = 1`, [HOST]);
    // The failed tasks are still dispatched: only the new one can be claimed.
    const { id } = await accept(db);
    expect(await claimRouted(db, 10)).toMatchObject([{ taskId: id, gatewayId: 'g2' }]);
    const [stored] = await taskAttempts(db, id);
    expect(stored!.route).toMatchObject({ reasons: ['utilisation:0/4'] });
    await db.rows(`update dash.gateway_stats set counted_at = counted_at - interval '20 minutes'`);
    expect((await getGateway(db, 'g1'))!.recent.runs).toBeLessThan(0.1);
  });
});

describe('the lanes that its health leaves', () => {
  it('bound what is claimed, and an unhealthy gateway gets nothing, whatever its host offers (R20)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 6 });
    for (let index = 0; index < 10; index += 1) await accept(db);
    const observe = async (health: Partial<HealthState>): Promise<void> => {
      const state = { ...HEALTHY, ...health };
      await recordObservation(db, { gatewayId: 'g1', health: state, healthLanes: state.lanes });
    };
    await observe({ verdict: 'sick', lanes: 2, reasons: ['event-loop'] });
    expect((await getGateway(db, 'g1'))!.lanes).toMatchObject({ health: 2, free: 2 });
    expect(await claim(db, [gateway])).toHaveLength(2);
    await observe({ verdict: 'unhealthy', lanes: 0, reasons: ['no-answer'] });
    const since = (await getGateway(db, 'g1'))!.healthSince;
    expect(await claim(db, [gateway])).toEqual([]);
    await observe({ verdict: 'unhealthy', lanes: 0, reasons: ['no-answer'], bads: 9 });
    expect((await getGateway(db, 'g1'))!).toMatchObject({
      healthSince: since,
      health: { verdict: 'unhealthy', bads: 9 },
      lanes: { health: 0, free: 0 },
    });
    await observe(HEALTHY);
    expect(await claim(db, [gateway])).toHaveLength(4);
  });
});

describe('settings of a gateway', () => {
  it('change what is named and nothing else, with an event of what was and is, and the next claim heeds them (R18)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { labels: { team: 'red' }, region: 'eu-1' });
    const change = (changes: Parameters<typeof updateGateway>[1]['changes']) =>
      updateGateway(db, { gatewayId: 'g1', changes, actor: 'ann' });
    await accept(db, { tenant: 'b' });
    expect(await change({ allowedTenants: ['a'], costWeight: 2.5 })).toMatchObject({
      kind: 'updated',
      gateway: { allowedTenants: ['a'], costWeight: 2.5, region: 'eu-1', labels: { team: 'red' } },
    });
    expect(await claim(db, [gateway])).toEqual([]);
    await change({ allowedTenants: null, region: null, labels: {}, lanes: 9 });
    expect(await getGateway(db, 'g1')).toMatchObject({
      allowedTenants: null,
      region: null,
      labels: {},
      lanes: { configured: 9 },
    });
    await claimOne(db, gateway);
    // Nothing new: no event.
    await change({ lanes: 9 });
    const events = await db.rows<{ actor: string; data: object }>(
      `select actor, data from dash.events where type = 'gateway.updated' order by seq`,
    );
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      actor: 'ann',
      data: { from: { allowedTenants: null, costWeight: 1 }, to: { allowedTenants: ['a'] } },
    });
    const unknown = await updateGateway(db, { gatewayId: 'no', changes: {}, actor: 'ann' });
    expect(unknown).toEqual({ kind: 'not-found' });
  });
});
