import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bumpTask } from '../../../src/db/bump.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startPromoter } from '../../../workers/promoter.ts';
import { accept, claim, claimOne, completed, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

async function finish(db: Database, { taskId, attemptId }: Claim): Promise<void> {
  await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
}

/** As if everything in the queue had waited for so many ageing intervals of 600 s. */
async function letWait(db: Database, intervals: number): Promise<number> {
  await db.rows(`update dash.tasks set ages_from = ages_from - $1 * interval '600 seconds'`, [
    intervals,
  ]);
  const { aged } = await promoteDue(db);
  return aged;
}

const level = async (db: Database, id: string) => (await getTask(db, id))?.effectivePriority;

describe('strict priorities', () => {
  it('an arriving critical is next 100 times of 100, over a backlog and pinned work; the backlog then goes by seq (R4, R5, G1, G17)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    for (let index = 0; index < 10; index += 1) {
      await accept(db, { sessionKey: `lives-here-${index}`, priority: 4 });
      await finish(db, await claimOne(db, gateway));
    }
    await Promise.all([
      ...Array.from({ length: 1_000 }, () => accept(db, { priority: 4 })),
      ...Array.from({ length: 10 }, (_, index) =>
        accept(db, { sessionKey: `lives-here-${index}`, priority: 4 }),
      ),
    ]);
    for (let round = 0; round < 100; round += 1) {
      const critical = await accept(db, { priority: 1, sessionKey: `free-${round}` });
      const next = await claimOne(db, gateway);
      expect(next.taskId).toBe(critical.id);
      await finish(db, next);
    }
    await db.rows(`update dash.gateways set configured_lanes = 1000, reported_lanes = null`);
    const claims: Claim[] = [];
    for (let batch = 0; batch < 10; batch += 1) claims.push(...(await claim(db, [gateway], 100)));
    const order = await db.rows<{ id: string }>(
      'select id from dash.tasks where priority = 4 order by seq offset 10',
    );
    expect(order).toHaveLength(1_010);
    expect(claims.map((one) => one.taskId)).toEqual(order.map(({ id }) => id).slice(0, 1_000));
  }, 60_000);
});

describe('ageing', () => {
  let promoter: { close(): Promise<void> } | undefined;
  afterEach(() => promoter?.close());

  it('brings a low task to its turn under endless high load, within two intervals and the older ones (R6)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    for (let index = 0; index < 5; index += 1) await accept(db, { priority: 2 });
    const low = await accept(db, { priority: 4 });
    const turns = async (count: number): Promise<string[]> => {
      const taken: string[] = [];
      for (let turn = 0; turn < count; turn += 1) {
        await accept(db, { priority: 2 });
        const next = await claimOne(db, gateway);
        taken.push(next.taskId);
        await finish(db, next);
      }
      return taken;
    };
    expect(await turns(12)).not.toContain(low.id);
    expect(await letWait(db, 1)).toBe(1);
    expect(await level(db, low.id)).toBe(3);
    expect(await turns(12)).not.toContain(low.id);
    expect(await letWait(db, 1)).toBe(1);
    expect(await turns(1)).toEqual([low.id]);
  });

  it('never raises above high, nor what is not queued; long overdue it catches up level by level (R6)', async () => {
    const { db } = database();
    const background = await accept(db, { priority: 5 });
    const high = await accept(db, { priority: 2 });
    const head = await accept(db, { priority: 5, sessionKey: 's' });
    const behind = await accept(db, { priority: 4, sessionKey: 's' });
    expect(await letWait(db, 1)).toBe(2);
    expect(await level(db, background.id)).toBe(4);
    // The head had inherited 4, and is raised from there.
    expect(await level(db, head.id)).toBe(3);
    expect(await level(db, behind.id)).toBe(4);
    // More of the session comes: the head keeps what it has aged.
    await accept(db, { priority: 5, sessionKey: 's' });
    expect(await level(db, head.id)).toBe(3);
    await letWait(db, 10);
    await promoteDue(db);
    for (const { id } of [background, high, head]) expect(await level(db, id)).toBe(2);
    expect(await letWait(db, 10)).toBe(0);
    expect(await getTask(db, background.id)).toMatchObject({ priority: 5, raisedPriority: 2 });
  });

  it('raises the longest waiting first, in batches, each with its event (R6, R40)', async () => {
    const { db } = database();
    const tasks = await Promise.all(Array.from({ length: 230 }, () => accept(db, { priority: 4 })));
    await db.rows(`update dash.tasks set ages_from = ages_from - interval '599 seconds'`);
    await db.rows(`update dash.tasks set ages_from = ages_from - seq * interval '1 second'`);
    const latest = tasks.toSorted((a, b) => b.seq - a.seq);
    expect(await db.call('age_queued', { limit: 7 })).toEqual({ aged: 7 });
    const raised = await db.rows<{ id: string }>(
      'select id from dash.tasks where raised_priority is not null order by seq desc',
    );
    expect(raised.map(({ id }) => id)).toEqual(latest.slice(0, 7).map(({ id }) => id));
    await promoteDue(db);
    const types = ['task.raised'] as const;
    const { events } = await readEvents(db, { after: 0, limit: 1_000, filter: { types } });
    expect(new Set(events.map(({ taskId }) => taskId)).size).toBe(230);
    for (const { data } of events) expect(data).toMatchObject({ by: 'ageing' });
  });

  it('is at most a second late with the promoter of a control worker (R6, P8)', async () => {
    const { db } = database();
    await setLimits(db, { ageingSeconds: 1 });
    const quiet = { info: () => undefined, warn: () => undefined };
    const nothing = async () => {};
    const signals = {
      signalTaskCancel: nothing,
      signalTaskDecide: nothing,
      signalSwarmNews: nothing,
    };
    promoter = startPromoter({ db, clock: systemClock(), log: quiet, signals });
    const { id } = await accept(db, { priority: 4 });
    const times = async () => {
      const { events } = await readEvents(db, { after: 0, limit: 100, filter: { taskId: id } });
      return events.map(({ at }) => Date.parse(at));
    };
    await eventually(async () => (await times()).length === 3, { timeoutMs: 15_000 });
    const [accepted = 0, first = 0, second = 0] = await times();
    for (const [waited, due] of [
      [first - accepted, 1_000],
      [second - accepted, 2_000],
    ] as const) {
      expect(waited).toBeGreaterThanOrEqual(due);
      expect(waited).toBeLessThanOrEqual(due + 1_000);
    }
  });
});

describe('bump', () => {
  it('inside a session raises its head, and stays through every change of it (R4, P3)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    const normal = await accept(db, { priority: 3 });
    const head = await accept(db, { priority: 4, sessionKey: 's' });
    const second = await accept(db, { priority: 5, sessionKey: 's' });
    const actor = 'ann';
    expect(await bumpTask(db, { taskId: second.id, priority: 1, actor })).toEqual({
      kind: 'raised',
    });
    expect(await level(db, head.id)).toBe(1);
    // More of the session comes and goes: the raise is not forgotten.
    await accept(db, { priority: 5, sessionKey: 's' });
    expect(await level(db, head.id)).toBe(1);
    const order: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const next = await claimOne(db, gateway);
      order.push(next.taskId);
      await finish(db, next);
    }
    expect(order).toEqual([head.id, second.id, normal.id]);
  });

  it('of a task that claims race for is before its claim or refused, and every waiting state takes it (P9)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await accept(db, { priority: 4, notBefore: soon });
    const bump = (taskId: string) => bumpTask(db, { taskId, priority: 1, actor: 'x' });
    expect(await bump(scheduled.id)).toEqual({ kind: 'raised' });
    expect(await bump(scheduled.id)).toEqual({ kind: 'unchanged' });
    expect(await level(db, scheduled.id)).toBe(1);
    for (let round = 0; round < 8; round += 1) {
      const { id } = await accept(db, { priority: 4 });
      const [answer, claims] = await Promise.all([bump(id), claim(db, [gateway], 1)]);
      expect(claims.map((one) => one.taskId)).toEqual([id]);
      expect(claims[0]?.priority).toBe(answer.kind === 'raised' ? 1 : 4);
      if (answer.kind !== 'raised')
        expect(answer).toEqual({ kind: 'not-waiting', state: 'dispatched' });
    }
  });
});
