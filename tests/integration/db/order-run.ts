import { expect } from '@jest/globals';
import { beginSending, closeAttempt, releaseAttempt } from '../../../src/db/attempt-run.ts';
import { bumpTask } from '../../../src/db/bump.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim, OfferedGateway } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import { putPool } from '../../../src/db/pool-store.ts';
import { requeueTask } from '../../../src/db/retry-queue.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { putTenant } from '../../../src/db/tenant-store.ts';
import type { Priority } from '../../../src/domain/task.ts';
import type { TestDatabase } from '../../support/database.ts';
import {
  OrderModel,
  type ModelClaim,
  type ModelGateway,
  type ModelLimits,
  type ModelTask,
} from '../../support/order-model.ts';
import { accept, claim, completed, emptyDatabase, openGateway, own } from './support.ts';

/** What happens, in the database and in the model alike; both must agree about every claim. */
export type Step =
  | {
      readonly kind: 'accept';
      readonly tenant: string;
      readonly pool: string;
      readonly priority: Priority;
      readonly session: string | null;
    }
  | { readonly kind: 'claim'; readonly host: number; readonly max: number }
  | { readonly kind: 'race'; readonly max: number }
  | { readonly kind: 'settle' | 'release' | 'retry' | 'cancel'; readonly which: number }
  | { readonly kind: 'bump'; readonly which: number; readonly priority: Priority }
  | { readonly kind: 'age' | 'pause' | 'resume' }
  | { readonly kind: 'take-over'; readonly which: number; readonly racing: boolean };

export type Fleet = readonly Omit<ModelGateway, 'id' | 'host'>[];

export const HOSTS = ['host-1', 'host-2'] as const;
const other = (host: string): string => (host === HOSTS[0] ? HOSTS[1] : HOSTS[0]);

/** One world, told twice. */
export interface OrderRun {
  /** A connection for each host. */
  readonly hosts: Readonly<Record<string, Database>>;
  readonly db: Database;
  model: OrderModel;
  readonly offers: Map<string, OfferedGateway>;
  readonly attempts: Map<string, string>;
  claims: number;
}

export async function beginOrderRun(
  database: TestDatabase,
  second: Database,
  fleet: Fleet,
  limits: ModelLimits,
): Promise<OrderRun> {
  const { db } = database;
  await emptyDatabase(db.pool);
  await setLimits(db, { maxRunningTotal: limits.total, maxOpenTasks: 1_000_000 });
  for (const [id, weight] of Object.entries(limits.weights)) {
    const maxRunning = limits.caps[id] ?? null;
    await putTenant(db, { id, weight, maxRunning, actor: 'tester' });
  }
  for (const id of ['red', 'blue']) await putPool(db, { id, matchLabels: { [id]: 'yes' } });
  const gateways = fleet.map((gateway, index) => ({
    ...gateway,
    id: `g${index}`,
    pools: ['default', ...gateway.pools],
    host: HOSTS[index % 2] ?? HOSTS[0],
  }));
  const offers = new Map<string, OfferedGateway>();
  for (const { id, pools, allowedTenants, lanes, score, host } of gateways) {
    const labels = Object.fromEntries(pools.map((pool) => [pool, 'yes']));
    const fields = { labels, allowedTenants, configuredLanes: lanes, hostId: host };
    offers.set(id, { ...(await openGateway(db, id, fields)), score });
  }
  const hosts = { [HOSTS[0]]: db, [HOSTS[1]]: second };
  return {
    hosts,
    db,
    model: new OrderModel(limits, gateways),
    offers,
    attempts: new Map(),
    claims: 0,
  };
}

export async function take(run: OrderRun, step: Step): Promise<void> {
  const { db, model } = run;
  switch (step.kind) {
    case 'accept': {
      const { kind: _, session, ...fields } = step;
      const { id, seq } = await accept(db, { ...fields, sessionKey: session, maxAttempts: 100 });
      return model.accept({ ...fields, session, id, seq });
    }
    case 'claim': {
      const host = HOSTS[step.host] ?? HOSTS[0];
      return agree(run, [await claimOf(run, host, step.max)], [[[host, step.max]]]);
    }
    case 'race':
      return race(run, step.max);
    case 'age':
      await db.rows(
        `update dash.tasks set ages_from = now() - interval '601 seconds' where state = 'queued'`,
      );
      await promoteDue(db);
      return model.age();
    case 'pause':
    case 'resume':
      await setFleetPaused(db, { paused: step.kind === 'pause', actor: 'tester' });
      return model.pause(step.kind === 'pause');
    case 'take-over':
      return takeOver(run, step.which, step.racing);
    case 'bump': {
      const task = pick(
        model.tasks.filter(({ state }) => state === 'open'),
        step.which,
      );
      if (task === undefined) return;
      await bumpTask(db, { taskId: task.id, priority: step.priority, actor: 'tester' });
      return model.bump(task, step.priority);
    }
    case 'settle':
    case 'release':
    case 'retry':
    case 'cancel':
      return finish(run, step.kind, step.which);
  }
}

function pick<T>(among: readonly T[], which: number): T | undefined {
  return among[which % Math.max(1, among.length)];
}

function offersOf(run: OrderRun, host: string): OfferedGateway[] {
  const ids = run.model.gateways.filter((gateway) => gateway.host === host).map(({ id }) => id);
  return ids.flatMap((id) => run.offers.get(id) ?? []);
}

function claimOf(run: OrderRun, host: string, max: number): Promise<Claim[]> {
  return claim(run.hosts[host] ?? run.db, offersOf(run, host), max, host);
}

/** The claims were made in one of these orders, by the model's reckoning, and it goes on from there. */
function agree(
  run: OrderRun,
  answers: readonly Claim[][],
  orders: readonly (readonly (readonly [host: string, max: number])[])[],
): void {
  const made = answers.map((claims) =>
    claims.map(({ taskId, gatewayId }): ModelClaim => ({ taskId, gatewayId })),
  );
  for (const { taskId, attemptId } of answers.flat()) run.attempts.set(taskId, attemptId);
  run.claims += made.flat().length;
  const worlds = orders.map((order) => {
    const model = run.model.clone();
    const claims = new Map(order.map(([host, max]) => [host, model.claim(host, max)]));
    return { model, claims: (orders[0] ?? []).map(([host]) => claims.get(host)) };
  });
  const same = worlds.find((world) => JSON.stringify(world.claims) === JSON.stringify(made));
  if (same === undefined) expect(made).toEqual(worlds[0]?.claims);
  else run.model = same.model;
}

/** Two hosts on two connections at once: one after the other, in the order that the events tell. */
async function race(run: OrderRun, max: number): Promise<void> {
  const [one, two] = HOSTS;
  const answers = await Promise.all([claimOf(run, one, max), claimOf(run, two, max)]);
  const began = await Promise.all(answers.map((claims) => toldAt(run.db, claims)));
  const first = [one, max] as const;
  const second = [two, max] as const;
  const orders = [
    [first, second],
    [second, first],
  ] as const;
  const [mine, others] = began;
  if (mine === null || others === null || mine === undefined || others === undefined)
    return agree(run, answers, orders);
  // Both orders may make the same claims and yet leave other turns behind: only the true one will do.
  return agree(run, mine < others ? answers : answers.toReversed(), [
    mine < others ? orders[0] : orders[1],
  ]);
}

/** The place in the events of what was claimed; null: nothing was. */
async function toldAt(db: Database, claims: readonly Claim[]): Promise<number | null> {
  const rows = await db.rows<{ seq: number | null }>(
    `select min(seq) as seq from dash.events where type = 'task.dispatched' and attempt_id = any($1)`,
    [claims.map(({ attemptId }) => attemptId)],
  );
  return rows[0]?.seq ?? null;
}

/** Another host takes a gateway; what the old one still claims with its epoch is claimed before, or without it. */
async function takeOver(run: OrderRun, which: number, racing: boolean): Promise<void> {
  const gateway = pick(run.model.gateways, which);
  if (gateway === undefined) return;
  const from = gateway.host;
  const to = other(from);
  const claims = racing ? claimOf(run, from, 2) : null;
  const taken = await own(run.db, gateway.id, to);
  const made = await claims;
  const after = run.model.clone();
  after.takeOver(gateway.id, to);
  if (made !== null) {
    const before = run.model.clone().claim(from, 2);
    const without = after.clone().claim(from, 2);
    const mine = made.map(({ taskId, gatewayId }) => ({ taskId, gatewayId }));
    if (JSON.stringify(mine) === JSON.stringify(before)) agree(run, [made], [[[from, 2]]]);
    else {
      expect(mine).toEqual(without);
      run.model = after;
      agree(run, [made], [[[from, 2]]]);
    }
  }
  run.model.takeOver(gateway.id, to);
  run.offers.set(gateway.id, { ...taken, score: gateway.score });
}

async function finish(
  run: OrderRun,
  kind: 'settle' | 'release' | 'retry' | 'cancel',
  which: number,
): Promise<void> {
  const { db, model, attempts } = run;
  const task = pick(
    kind === 'cancel' ? model.tasks.filter(({ state }) => state === 'open') : model.running(),
    which,
  );
  if (task === undefined) return;
  const taskId = task.id;
  const attemptId = attempts.get(taskId) ?? '';
  if (kind === 'release') {
    await releaseAttempt(db, { attemptId, reason: 'test', from: 'planned' });
    return model.release(task);
  }
  if (kind === 'retry') {
    await failOnce(run, task, attemptId);
    return model.retry(task);
  }
  if (kind === 'cancel') await requestCancel(db, { taskId, reason: 'cancelled', actor: 'tester' });
  else
    await settleTask(db, {
      ...{ taskId, attemptId, attemptOutcome: 'succeeded' },
      end: completed(),
    });
  model.end(task);
}

/** Sent and failed: back in the queue, for the same gateway only. */
async function failOnce({ db, model, offers }: OrderRun, task: ModelTask, attemptId: string) {
  const { ownerEpoch = 0 } = offers.get(model.gatewayOf(task)) ?? {};
  const place = { runId: `${task.id}-a1`, bootId: 'b', stateId: 's' };
  await beginSending(db, { attemptId, ownerEpoch, ...place });
  await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed' });
  await requeueTask(db, { taskId: task.id, attemptId });
}

/** What the rows say about open work is what the model says (G2). */
export async function expectSameState({ db, model }: OrderRun): Promise<void> {
  const rows = await db.rows(
    `select id, case when state = 'dispatched' then 'running' else state end as state,
       case when state = 'queued' then effective_priority end as level
     from dash.tasks where open order by seq`,
  );
  expect(rows).toEqual(
    model.tasks
      .toSorted((a, b) => a.seq - b.seq)
      .map((task) => {
        const queued = model.isQueued(task);
        const state = task.state === 'running' ? 'running' : queued ? 'queued' : 'waiting';
        return { id: task.id, state, level: queued ? model.effective(task) : null };
      }),
  );
}
