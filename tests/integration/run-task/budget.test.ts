import { afterEach, describe, expect, test } from '@jest/globals';
import { putBudget, getBudget, removeBudget, taskSpending } from '../../../src/db/budget-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { Budget } from '../../../src/domain/budget.ts';
import { eventually } from '../../support/eventually.ts';
import { withDatabase } from '../../support/database.ts';
import { RunTaskBench, type BenchHost, type ClaimedAttempt } from './bench.ts';

const database = withDatabase();
let bench: RunTaskBench | null = null;

afterEach(async () => {
  await bench?.close();
  bench = null;
  await removeBudget(database().db, { name: 'fleet', actor: 'test' });
});

async function start(): Promise<{ it: RunTaskBench; host: BenchHost }> {
  bench = await RunTaskBench.start(database().db);
  return { it: bench, host: await bench.host('host-a') };
}

const fleet = (tokens: number) =>
  putBudget(database().db, {
    name: 'fleet',
    scope: 'fleet',
    tenant: null,
    usd: null,
    tokens,
    period: 'total',
    actor: 'test',
  });
const limit = (tokens: number): Budget => ({ usd: null, tokens });

/** Words of the prompt and of a call for a tool stand for tokens, with 100 for what a gateway adds. */
const PER_CALL = 100 + 2 + 5;
/** Ten model calls of a third of a second: time enough to stop the one that follows the last that is paid for. */
const TEN_CALLS = '[[calls:10]] [[sleep:350]]';

async function spent({ taskId }: ClaimedAttempt): Promise<number> {
  return (await getTask(database().db, taskId))?.spent.tokens ?? 0;
}

describe('a running attempt whose budget is gone', () => {
  test("is ended at its gateway after the model call that used its task's budget up, not after its turn (P15, P28)", async () => {
    const { it, host } = await start();
    const attempt = await it.claim(host, TEN_CALLS, { budget: limit(2 * PER_CALL + 1) });
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'dead' });
    const task = await getTask(it.db, attempt.taskId);
    expect(task).toMatchObject({
      state: 'dead',
      stateReason: 'budget',
      usage: { totalTokens: 3 * PER_CALL },
      spent: { tokens: 3 * PER_CALL },
      failure: {
        reason: 'budget',
        message: expect.stringContaining(`spent`),
      },
    });
    expect(it.fake.log.runningNow()).toEqual([]);
    expect(await it.row(attempt)).toMatchObject({ outcome: 'cancelled', holdsLane: false });
  });

  test('ends too when what surrounds it is used up by others, each after one model call at most (P15)', async () => {
    const { it, host } = await start();
    await fleet(5 * PER_CALL);
    const attempts = [await it.claim(host, TEN_CALLS), await it.claim(host, TEN_CALLS)];
    const ends = await Promise.all(attempts.map((attempt) => host.run(attempt)));
    expect(ends).toEqual([
      { kind: 'settled', state: 'dead' },
      { kind: 'settled', state: 'dead' },
    ]);
    const total = (await spent(attempts[0]!)) + (await spent(attempts[1]!));
    expect(total).toBeGreaterThanOrEqual(5 * PER_CALL);
    expect(total).toBeLessThanOrEqual((5 + 2) * PER_CALL);
    expect((await getBudget(it.db, 'fleet'))?.spent.tokens).toBe(total);
    const task = await getTask(it.db, attempts[0]!.taskId);
    expect(task?.failure?.message).toContain('The budget fleet was used up');
  });

  test('learns of a budget that is set or lowered while it runs (P15)', async () => {
    const { it, host } = await start();
    const attempt = await it.claim(host, TEN_CALLS);
    const running = host.run(attempt);
    await eventually(async () => (await it.row(attempt)).state === 'accepted');
    await fleet(1);
    host.runTask.cancelNoticed(attempt.attemptId);
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'dead' });
    expect(await spent(attempt)).toBeLessThan(10 * PER_CALL);
  });

  test('but one that has its answer keeps it, whatever it cost (P15, P22)', async () => {
    const { it, host } = await start();
    const attempt = await it.claim(host, '[[say:done]]', { budget: limit(10) });
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'completed' });
    expect(await getTask(it.db, attempt.taskId)).toMatchObject({ output: 'done' });
    expect(await spent(attempt)).toBeGreaterThan(100);
  });
});

test('what a turn spends is in the rows while it runs, once, also when another host goes on with it (P15)', async () => {
  const { it, host } = await start();
  await fleet(1_000_000);
  const attempt = await it.claim(host, '[[calls:4]] [[sleep:350]] [[say:all]]');
  void host.run(attempt).catch(() => undefined);
  await eventually(async () => (await spent(attempt)) >= PER_CALL);
  expect((await getTask(it.db, attempt.taskId))?.state).toBe('dispatched');
  const next = await it.host('host-b');
  await expect(next.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'completed' });
  const ledger = await taskSpending(it.db, attempt.taskId);
  const total = ledger.reduce((sum, { tokens }) => sum + tokens, 0);
  const usage = (await getTask(it.db, attempt.taskId))?.usage;
  expect(usage?.totalTokens).toBe(total);
  expect(await spent(attempt)).toBe(total);
  expect((await getBudget(it.db, 'fleet'))?.spent.tokens).toBe(total);
});
