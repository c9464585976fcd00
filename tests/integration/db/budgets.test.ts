import { beforeEach, describe, expect, it } from '@jest/globals';
import { markIndeterminate } from '../../../src/db/attempt-decision.ts';
import { readAttempt, readCancelRequests } from '../../../src/db/attempt-record.ts';
import { closeAttempt, releaseAttempt } from '../../../src/db/attempt-run.ts';
import { countUsage } from '../../../src/db/attempt-usage.ts';
import {
  getBudget,
  listBudgets,
  putBudget,
  removeBudget,
  taskSpending,
  unblockBudgets,
  type BudgetRecord,
  type BudgetToPut,
} from '../../../src/db/budget-store.ts';
import type { Claim, OfferedGateway } from '../../../src/db/claim.ts';
import { replayDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { backOffTask as backOff, requeueTask as requeue } from '../../../src/db/retry-queue.ts';
import { quarantineSession, releaseSession } from '../../../src/db/session-care.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { acceptSwarm, admitSwarmNode } from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });
let gateway: OfferedGateway;

beforeEach(async () => {
  await emptyDatabase(database().db.pool);
  gateway = await openGateway(database().db, 'g1', { configuredLanes: 50 });
});

const put = (name: string, fields: Partial<BudgetToPut> = {}): Promise<BudgetRecord> =>
  putBudget(database().db, {
    name,
    scope: name.split(':')[0] as BudgetToPut['scope'],
    tenant: name.startsWith('tenant:') ? name.slice('tenant:'.length) : null,
    usd: null,
    tokens: null,
    period: 'total',
    actor: 'tester',
    ...fields,
  });
const figures = async (name: string): Promise<{ spent: number; reserved: number }> => {
  const budget = await getBudget(database().db, name);
  return { spent: budget!.spent.tokens, reserved: budget!.reserved.tokens };
};
const used = (claimed: Claim, totalTokens: number, costUsd = 0) => ({
  runId: `${claimed.taskId}-a${claimed.attemptNumber}`,
  totalTokens,
  costUsd,
});
const count = (claimed: Claim, totalTokens: number, costUsd = 0) =>
  countUsage(database().db, {
    attemptId: claimed.attemptId,
    ownerEpoch: 1,
    runs: [used(claimed, totalTokens, costUsd)],
  });
const finish = (claimed: Claim, totalTokens: number, costUsd = 0) =>
  settleTask(database().db, {
    taskId: claimed.taskId,
    attemptId: claimed.attemptId,
    ownerEpoch: 1,
    attemptOutcome: 'succeeded',
    runs: [used(claimed, totalTokens, costUsd)],
    end: completed(),
  });
const queued = async (): Promise<number> => {
  const [row] = await database().db.rows<{ n: number }>(
    `select count(*)::integer as n from dash.tasks where state = 'queued'`,
  );
  return row?.n ?? 0;
};
const budgetEvents = async (): Promise<unknown[]> => {
  const { events } = await readEvents(database().db, {
    after: 0,
    limit: 1000,
    filter: { types: ['budget.warning', 'budget.exhausted'] },
  });
  return events.map(({ type, data }) => [type, data['budget']]);
};

describe('reservation at the claim', () => {
  it('sets the own limit aside in every budget around the task, and gives it back at the close (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 1000 });
    await put('tenant:default', { tokens: 500 });
    await put('session:default:s1', { tokens: 300 });
    await put('tenant:other', { tokens: 500 });
    await accept(db, { sessionKey: 's1', budget: { usd: null, tokens: 200 } });
    const claimed = await claimOne(db, gateway);
    for (const name of ['fleet', 'tenant:default', 'session:default:s1']) {
      expect(await figures(name)).toEqual({ spent: 0, reserved: 200 });
    }
    expect(await figures('tenant:other')).toEqual({ spent: 0, reserved: 0 });
    expect((await readAttempt(db, claimed.attemptId))?.budget).toEqual({
      usd: null,
      tokens: 200,
      gone: null,
    });
    await finish(claimed, 120);
    for (const name of ['fleet', 'tenant:default', 'session:default:s1']) {
      expect(await figures(name)).toEqual({ spent: 120, reserved: 0 });
    }
    expect(await getTask(db, claimed.taskId)).toMatchObject({
      spent: { usd: 0, tokens: 120 },
      budget: { usd: null, tokens: 200 },
    });
  });

  it("takes the pool's default where the task brings nothing, and nothing where there is none (P15)", async () => {
    const { db } = database();
    await put('fleet', { usd: 1, tokens: 1000 });
    await accept(db);
    const free = await claimOne(db, gateway);
    expect(await readAttempt(db, free.attemptId)).toMatchObject({
      limit: { usd: null, tokens: null },
      budget: { usd: null, tokens: null, gone: null },
    });
    await put('pool:default', { usd: 0.25 });
    await accept(db);
    const limited = await claimOne(db, gateway);
    expect((await readAttempt(db, limited.attemptId))?.limit).toEqual({ usd: 0.25, tokens: null });
    expect((await getBudget(db, 'fleet'))?.reserved).toEqual({ usd: 0.25, tokens: 0 });
  });

  it('of two claims at the same moment on one remaining budget one gets it, the other task is blocked and names it (P15)', async () => {
    const { db } = database();
    await put('tenant:default', { usd: 0.5 });
    const second = await openGateway(db, 'g2', { hostId: 'host-2' });
    for (let n = 0; n < 2; n += 1) await accept(db, { budget: { usd: 0.3, tokens: null } });
    const claims = await Promise.all([claim(db, [gateway], 1), claim(db, [second], 1, 'host-2')]);
    expect(claims.flat()).toHaveLength(1);
    const { rows } = await db.pool.query(
      `select state, state_reason, blocked_on from dash.tasks order by state`,
    );
    expect(rows).toEqual([
      { state: 'blocked', state_reason: 'budget', blocked_on: 'tenant:default' },
      { state: 'dispatched', state_reason: null, blocked_on: null },
    ]);
    expect((await getBudget(db, 'tenant:default'))?.blockedTasks).toBe(1);
  });

  it('without a limit of its own a task needs only that something is left (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100 });
    await accept(db);
    await accept(db);
    const [first] = await claim(db, [gateway], 1);
    await finish(first!, 99);
    const [second] = await claim(db, [gateway], 1);
    await finish(second!, 5);
    const last = await accept(db);
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await getTask(db, last.id)).toMatchObject({
      state: 'blocked',
      stateReason: 'budget',
      blockedOn: 'fleet',
    });
  });

  it('a blocked head keeps its session waiting, and other work goes past it (P15, R2)', async () => {
    const { db } = database();
    await put('session:default:s1', { tokens: 10 });
    const head = await accept(db, { sessionKey: 's1', budget: { usd: null, tokens: 50 } });
    const behind = await accept(db, { sessionKey: 's1' });
    const other = await accept(db);
    expect((await claim(db, [gateway])).map(({ taskId }) => taskId)).toEqual([other.id]);
    expect((await getTask(db, head.id))?.state).toBe('blocked');
    expect((await getTask(db, behind.id))?.state).toBe('waiting');
    await put('session:default:s1', { tokens: 50 });
    expect(await unblockBudgets(db)).toBe(1);
    expect((await claimOne(db, gateway)).taskId).toBe(head.id);
  });

  it('what is let go while its session was set apart stays blocked, now for that (P15, P12)', async () => {
    const { db } = database();
    await put('session:default:s1', { tokens: 10 });
    const head = await accept(db, { sessionKey: 's1', budget: { usd: null, tokens: 50 } });
    expect(await claim(db, [gateway])).toEqual([]);
    await quarantineSession(db, { tenant: 'default', key: 's1', reason: 'it loops', actor: 'ann' });
    await put('session:default:s1', { tokens: 50 });
    await unblockBudgets(db);
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await getTask(db, head.id)).toMatchObject({
      state: 'blocked',
      stateReason: 'quarantine',
      blockedOn: null,
    });
    await releaseSession(db, { tenant: 'default', key: 's1', actor: 'ann' });
    expect((await claimOne(db, gateway)).taskId).toBe(head.id);
  });

  it('hundreds of tasks without room are put aside by several short claims, and work behind them runs (P15)', async () => {
    const { db } = database();
    await put('tenant:poor', { tokens: 10 });
    for (let n = 0; n < 120; n += 1) {
      await accept(db, { tenant: 'poor', priority: 1, budget: { usd: null, tokens: 11 } });
    }
    const rich = await accept(db, { tenant: 'rich', priority: 5 });
    const claims = [];
    for (let n = 0; n < 3; n += 1) claims.push(await claim(db, [gateway]));
    expect(claims.map((found) => found.length)).toEqual([0, 0, 1]);
    expect(claims[2]![0]?.taskId).toBe(rich.id);
  });

  it('an indeterminate attempt keeps its reservation, a released one does not (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100 });
    await accept(db, { budget: { usd: null, tokens: 60 } });
    const kept = await claimOne(db, gateway);
    await markIndeterminate(db, {
      attemptId: kept.attemptId,
      ownerEpoch: 1,
      reason: 'vanished',
      evidence: {},
      keepLane: false,
      runs: [used(kept, 10)],
    });
    expect(await figures('fleet')).toEqual({ spent: 10, reserved: 50 });
    await accept(db, { budget: { usd: null, tokens: 40 } });
    const given = await claimOne(db, gateway);
    expect(await figures('fleet')).toEqual({ spent: 10, reserved: 90 });
    await releaseAttempt(db, {
      attemptId: given.attemptId,
      ownerEpoch: 1,
      reason: 'test',
      from: 'planned',
    });
    expect(await figures('fleet')).toEqual({ spent: 10, reserved: 50 });
  });
});

describe('what was spent', () => {
  it('is entered once per run, however often and in whatever order it is told (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 10_000 });
    await accept(db);
    const claimed = await claimOne(db, gateway);
    for (const tokens of [100, 100, 250, 100]) await count(claimed, tokens, tokens / 1e4);
    await Promise.all([count(claimed, 300), count(claimed, 300), count(claimed, 300)]);
    await finish(claimed, 300);
    await finish(claimed, 900);
    const ledger = await taskSpending(db, claimed.taskId);
    expect(ledger.map(({ tokens }) => tokens)).toEqual([100, 150, 50]);
    expect(ledger.map(({ usd }) => usd)).toEqual([0.01, 0.015, 0]);
    expect(await figures('fleet')).toEqual({ spent: 300, reserved: 0 });
    expect((await getTask(db, claimed.taskId))?.spent).toEqual({ usd: 0.025, tokens: 300 });
  });

  it('while an attempt runs, what it spends leaves its reservation (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 1000 });
    await accept(db, { budget: { usd: null, tokens: 200 } });
    const claimed = await claimOne(db, gateway);
    await count(claimed, 150);
    expect(await figures('fleet')).toEqual({ spent: 150, reserved: 50 });
    await count(claimed, 230);
    expect(await figures('fleet')).toEqual({ spent: 230, reserved: 0 });
    await finish(claimed, 230);
    expect(await figures('fleet')).toEqual({ spent: 230, reserved: 0 });
  });

  it('adds up over the attempts of a task: a retry gets what is left, and a task that has spent all is not tried again (P15)', async () => {
    const { db } = database();
    const failure = {
      runId: 'r',
      class: 'transient',
      message: 'no',
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    } as const;
    const task = await accept(db, { budget: { usd: null, tokens: 100 } });
    const fail = async (tokens: number): Promise<unknown> => {
      const claimed = await claimOne(db, gateway);
      await closeAttempt(db, {
        attemptId: claimed.attemptId,
        ownerEpoch: 1,
        outcome: 'failed',
        failure,
        runs: [used(claimed, tokens)],
      });
      const { taskId, attemptId } = claimed;
      await backOff(db, { taskId, attemptId, delayMs: 0, failure });
      return requeue(db, { taskId, attemptId });
    };
    await fail(70);
    const again = await claimOne(db, gateway);
    expect((await readAttempt(db, again.attemptId))?.limit.tokens).toBe(30);
    await closeAttempt(db, {
      attemptId: again.attemptId,
      ownerEpoch: 1,
      outcome: 'failed',
      failure,
      runs: [used(again, 45)],
    });
    await backOff(db, {
      taskId: task.id,
      attemptId: again.attemptId,
      delayMs: 0,
      failure,
    });
    expect(await getTask(db, task.id)).toMatchObject({
      state: 'dead',
      stateReason: 'budget',
      spent: { tokens: 115 },
      failure: { reason: 'budget', message: expect.stringContaining('115 tokens in 2 attempts') },
    });
    const replayed = await replayDeadLetter(db, { taskId: task.id, actor: 'tester', again: false });
    expect(replayed).toMatchObject({ task: { budget: { tokens: 100 }, spent: { tokens: 0 } } });
  });

  it('is told at 80 and at 100 percent, once per period (P15)', async () => {
    const { db } = database();
    await put('tenant:default', { tokens: 100 });
    await accept(db);
    const claimed = await claimOne(db, gateway);
    for (const tokens of [79, 80, 90, 100, 120]) await count(claimed, tokens);
    await finish(claimed, 130);
    expect(await budgetEvents()).toEqual([
      ['budget.warning', 'tenant:default'],
      ['budget.exhausted', 'tenant:default'],
    ]);
  });

  it('a period begins at midnight UTC by itself: what was spent is nothing again, what is set aside stays (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100, period: 'day' });
    await accept(db, { budget: { usd: null, tokens: 60 } });
    const running = await claimOne(db, gateway);
    await accept(db);
    const spender = await claimOne(db, gateway);
    await finish(spender, 95);
    const waiting = await accept(db);
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await unblockBudgets(db)).toBe(0);
    await db.pool.query(
      `update dash.budgets set period_started_at = period_started_at - interval '1 day'`,
    );
    expect(await figures('fleet')).toEqual({ spent: 0, reserved: 60 });
    expect(await unblockBudgets(db)).toBe(1);
    expect((await claimOne(db, gateway)).taskId).toBe(waiting.id);
    await finish(running, 85);
    expect(await figures('fleet')).toEqual({ spent: 85, reserved: 0 });
    expect(await budgetEvents()).toEqual([
      ['budget.warning', 'fleet'],
      ['budget.warning', 'fleet'],
    ]);
  });
});

describe('a budget that is used up', () => {
  it('is told to the host of every open attempt around which it lies (P15, P28)', async () => {
    const { db } = database();
    await put('tenant:default', { tokens: 100 });
    for (let n = 0; n < 2; n += 1) await accept(db);
    await accept(db, { tenant: 'other' });
    const claims = await claim(db, [gateway]);
    const [first, second] = claims.filter(({ tenant }) => tenant === 'default');
    expect(await count(first!, 99)).toMatchObject({ kind: 'ok', budget: { gone: null } });
    expect(await count(first!, 101)).toMatchObject({ budget: { gone: 'tenant:default' } });
    expect((await readAttempt(db, second!.attemptId))?.budget?.gone).toBe('tenant:default');
    const asked = await readCancelRequests(
      db,
      claims.map(({ attemptId }) => attemptId),
    );
    expect(new Map(asked.map(({ attemptId, reason }) => [attemptId, reason]))).toEqual(
      new Map([first!, second!].map(({ attemptId }) => [attemptId, 'budget'])),
    );
  });

  it('an attempt without a limit ends where the reservations of others begin, one with a limit may use its own (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100 });
    await accept(db, { budget: { usd: null, tokens: 60 } });
    const reserved = await claimOne(db, gateway);
    await accept(db);
    const free = await claimOne(db, gateway);
    expect(await count(free, 40)).toMatchObject({ budget: { gone: 'fleet' } });
    expect((await readAttempt(db, reserved.attemptId))?.budget?.gone).toBeNull();
  });

  it('lets as many tasks go as fit when something comes back, the most urgent first (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100 });
    await accept(db, { budget: { usd: null, tokens: 100 } });
    const running = await claimOne(db, gateway);
    const waiting = [];
    for (const priority of [3, 3, 1, 3] as const) {
      waiting.push(await accept(db, { priority, budget: { usd: null, tokens: 40 } }));
    }
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await unblockBudgets(db)).toBe(0);
    await finish(running, 10);
    expect(await unblockBudgets(db)).toBe(2);
    const claims = await claim(db, [gateway]);
    expect(claims.map(({ taskId }) => taskId)).toEqual([waiting[2]!.id, waiting[0]!.id]);
    await removeBudget(db, { name: 'fleet', actor: 'tester' });
    expect(await unblockBudgets(db)).toBe(2);
  });

  it('a hundred tasks that another budget keeps hide nobody who could go (P15, R17)', async () => {
    const { db } = database();
    for (const id of ['spent', 'thrifty'])
      await db.rows(`insert into dash.tenants (id) values ($1)`, [id]);
    await put('fleet', { tokens: 1 });
    await put('tenant:spent', { tokens: 1 });
    await accept(db, { tenant: 'spent' });
    await finish(await claimOne(db, gateway), 1);
    for (let number = 0; number < 101; number += 1) await accept(db, { tenant: 'spent' });
    const { id } = await accept(db, { tenant: 'thrifty' });
    while ((await claim(db, [gateway])).length > 0 || (await queued()) > 0);
    await put('fleet', { tokens: 1000 });
    expect(await unblockBudgets(db)).toBe(1);
    expect((await claim(db, [gateway])).map(({ taskId }) => taskId)).toEqual([id]);
  });

  it('lets the heads of many sessions go at once (P15, P2)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 1 });
    await accept(db);
    await finish(await claimOne(db, gateway), 1);
    for (let number = 0; number < 20; number += 1) await accept(db, { sessionKey: `s${number}` });
    expect(await claim(db, [gateway])).toEqual([]);
    await put('fleet', { tokens: 1000 });
    expect(await unblockBudgets(db)).toBe(20);
    expect(await claim(db, [{ ...gateway, lanes: 20 }])).toHaveLength(20);
  });

  it('a budget that is removed and set again is another one: reservations of the old one do not reach it (P15)', async () => {
    const { db } = database();
    await put('fleet', { tokens: 100 });
    await accept(db, { budget: { usd: null, tokens: 60 } });
    const claimed = await claimOne(db, gateway);
    await removeBudget(db, { name: 'fleet', actor: 'tester' });
    await put('fleet', { tokens: 100 });
    await finish(claimed, 30);
    expect(await figures('fleet')).toEqual({ spent: 30, reserved: 0 });
    expect(await removeBudget(db, { name: 'tenant:nobody', actor: 'tester' })).toBe(false);
  });
});

it('a swarm brings its own budget, which surrounds the tasks of its nodes (P15)', async () => {
  const { db } = database();
  const id = newId('swarm');
  const accepted = await acceptSwarm(db, {
    id,
    tenant: 'default',
    name: 'costly',
    spec: {},
    onFailure: 'continue',
    maxParallel: 2,
    budget: { usd: 0.5, tokens: null },
    nodes: [{ nodeId: 'a', dependsOn: [], pool: 'default', template: {} }],
    correlationId: 'c',
    idempotency: null,
    actor: null,
  });
  expect(accepted).toMatchObject({ swarm: { budget: { name: `swarm:${id}`, spent: { usd: 0 } } } });
  await admitSwarmNode(db, {
    swarmId: id,
    nodeId: 'a',
    taskId: newId('task'),
    pool: 'default',
    sessionKey: null,
    agent: 'main',
    prompt: 'x',
    priority: 3,
    runLimitSeconds: 60,
    maxAttempts: 1,
    idempotent: false,
  });
  const claimed = await claimOne(db, gateway);
  await settleTask(db, {
    taskId: claimed.taskId,
    attemptId: claimed.attemptId,
    ownerEpoch: 1,
    attemptOutcome: 'failed',
    runs: [used(claimed, 10, 0.6)],
    end: dead(),
  });
  expect(await listBudgets(db, { scope: 'swarm', limit: 10 })).toMatchObject([
    { name: `swarm:${id}`, tenant: 'default', spent: { usd: 0.6 }, usedPercent: 100 },
  ]);
});
