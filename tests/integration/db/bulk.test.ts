import { beforeEach, describe, expect, it } from '@jest/globals';
import { acceptBulk, cancelBulk, getBulk, stepBulk } from '../../../src/db/bulk-store.ts';
import type { Database } from '../../../src/db/database.ts';
import {
  discardDeadLetter,
  getDeadLetter,
  listDeadLetters,
} from '../../../src/db/dead-letter-store.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, dead, emptyDatabase } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(async () => {
  await emptyDatabase(database().db.pool);
  await database().db.rows('delete from dash.bulk_operations');
});

async function deadTask(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<string> {
  const { id: taskId } = await accept(db, fields);
  await settleTask(db, { taskId, end: dead() });
  return taskId;
}

async function start(
  db: Database,
  options: Partial<Parameters<typeof acceptBulk>[1]> = {},
): Promise<string> {
  const accepted = await acceptBulk(db, {
    id: newId('bulk'),
    action: 'replay',
    filter: {},
    actor: 'ann',
    ...options,
  });
  if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
  return accepted.operation.id;
}

async function finish(db: Database, bulkId: string): Promise<void> {
  while ((await stepBulk(db, bulkId)).kind === 'stepped');
}

describe('a bulk operation', () => {
  it('replays each letter of its filter once, in order, however many carry it out at once (R8, P30)', async () => {
    const { db } = database();
    const letters: string[] = [];
    for (let index = 0; index < 30; index += 1) letters.push(await deadTask(db, { agent: 'a' }));
    const other = await deadTask(db, { tenant: 'acme' });
    const bulkId = await start(db, {
      filter: { tenant: 'default' },
      edits: { agent: 'b', priority: 4 },
    });
    const late = await deadTask(db);
    const others = [database().connect('one'), database().connect('two')];
    await Promise.all([db, ...others].map((each) => finish(each, bulkId)));
    expect(await getBulk(db, bulkId)).toMatchObject({
      state: 'completed',
      total: 30,
      done: 30,
      skipped: 0,
      finishedAt: expect.any(String),
    });
    const replays = await db.rows<{ replay_of: string; agent: string; priority: number }>(
      'select replay_of, agent, priority from dash.tasks where replay_of is not null order by seq',
    );
    expect(replays).toEqual(letters.map((id) => ({ replay_of: id, agent: 'b', priority: 4 })));
    for (const taskId of [other, late]) {
      expect(await getDeadLetter(db, taskId)).toMatchObject({ state: 'open' });
    }
    const told = await db.rows<{ type: string }>(
      `select type from dash.events where type like 'bulk.%' order by seq`,
    );
    expect(told.map(({ type }) => type)).toEqual(['bulk.accepted', 'bulk.completed']);
  });

  it('waits for a bound on open work, and goes on where it was (R8, P7)', async () => {
    const { db } = database();
    for (let index = 0; index < 3; index += 1) await deadTask(db);
    const bulkId = await start(db);
    await setLimits(db, { maxOpenTasks: 2 });
    await stepBulk(db, bulkId);
    await stepBulk(db, bulkId);
    expect(await stepBulk(db, bulkId)).toMatchObject({
      kind: 'refused',
      retryAfterSeconds: expect.any(Number),
    });
    expect(await getBulk(db, bulkId)).toMatchObject({
      state: 'running',
      done: 2,
      waitingFor: expect.stringContaining('max-open-tasks'),
    });
    await setLimits(db, { maxOpenTasks: 100 });
    await finish(db, bulkId);
    expect(await getBulk(db, bulkId)).toMatchObject({
      state: 'completed',
      done: 3,
      waitingFor: null,
    });
  });

  it('discards with a note, and leaves alone what somebody else has closed (R8, P30)', async () => {
    const { db } = database();
    const [first, second] = [await deadTask(db), await deadTask(db)];
    const bulkId = await start(db, { action: 'discard', note: 'superseded' });
    await discardDeadLetter(db, { taskId: first, actor: 'bob' });
    await finish(db, bulkId);
    expect(await getBulk(db, bulkId)).toMatchObject({ state: 'completed', total: 2, done: 1 });
    expect(await getDeadLetter(db, first)).toMatchObject({ resolvedBy: 'bob', bulkId: null });
    expect(await getDeadLetter(db, second)).toMatchObject({
      state: 'discarded',
      note: 'superseded',
      resolvedBy: 'ann',
      bulkId,
    });
  });

  it('that is cancelled changes nothing more (R8)', async () => {
    const { db } = database();
    for (let index = 0; index < 3; index += 1) await deadTask(db);
    const bulkId = await start(db, { action: 'discard' });
    await stepBulk(db, bulkId);
    expect(await cancelBulk(db, { bulkId, actor: 'ann' })).toMatchObject({
      state: 'cancelled',
      done: 1,
    });
    expect(await stepBulk(db, bulkId)).toEqual({ kind: 'ended' });
    const open = await listDeadLetters(db, { filter: { states: ['open'] }, limit: 10 });
    expect(open).toHaveLength(2);
    expect(await cancelBulk(db, { bulkId: 'none', actor: 'ann' })).toBeNull();
  });

  it('is refused when its edits name a pool that is not there (R8)', async () => {
    const { db } = database();
    const options = { id: newId('bulk'), action: 'replay', filter: {}, actor: 'ann' } as const;
    expect(await acceptBulk(db, { ...options, edits: { pool: 'nope' } })).toEqual({
      kind: 'unknown-pool',
      pool: 'nope',
      tenant: null,
      pools: ['default'],
    });
  });
});
