import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.ts';
import {
  discardDeadLetter,
  getDeadLetter,
  replayDeadLetter,
} from '../../../src/db/dead-letter-store.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { getSession } from '../../../src/db/session-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, completed, dead, emptyDatabase } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

async function deadTask(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<string> {
  const { id: taskId } = await accept(db, fields);
  await settleTask(db, { taskId, end: dead() });
  return taskId;
}

describe('a dead letter', () => {
  it('is replayed as a new task with the same content, linked back, at the end of its session (P30)', async () => {
    const { db } = database();
    const taskId = await deadTask(db, {
      sessionKey: 's',
      priority: 2,
      prompt: 'Think.',
      maxAttempts: 5,
      deadlineAt: new Date(Date.now() + 60_000).toISOString(),
    });
    await accept(db, { sessionKey: 's' });
    const replayed = await replayDeadLetter(db, { taskId, actor: 'ann' });
    if (replayed.kind !== 'replayed') throw new Error(replayed.kind);
    expect(await getTask(db, replayed.task.id)).toMatchObject({
      prompt: 'Think.',
      priority: 2,
      maxAttempts: 5,
      replayOf: taskId,
      swarmId: null,
      state: 'waiting',
      deadlineAt: expect.any(String),
    });
    const session = await getSession(db, { tenant: 'default', key: 's' });
    expect(session?.tasks.at(-1)?.id).toBe(replayed.task.id);
    expect(await getDeadLetter(db, taskId)).toMatchObject({
      state: 'replayed',
      replayTaskId: replayed.task.id,
      resolvedBy: 'ann',
    });
  });

  it('is replayed once on a double click: the second is told the same task (P30)', async () => {
    const { db } = database();
    const taskId = await deadTask(db);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => replayDeadLetter(db, { taskId, actor: 'ann' })),
    );
    expect(answers.filter((answer) => answer.kind === 'replayed')).toHaveLength(1);
    const ids = answers.map((answer) =>
      answer.kind === 'replayed'
        ? answer.task.id
        : answer.kind === 'stands'
          ? answer.replay?.id
          : null,
    );
    expect(new Set(ids).size).toBe(1);
    expect(await db.rows('select 1 from dash.tasks')).toHaveLength(2);
  });

  it('of replay and discard that race the first wins (P30)', async () => {
    const { db } = database();
    for (let round = 0; round < 10; round += 1) {
      const taskId = await deadTask(db);
      const [replayed, discarded] = await Promise.all([
        replayDeadLetter(db, { taskId, actor: 'ann' }),
        discardDeadLetter(db, { taskId, actor: 'bob' }),
      ]);
      const kinds = [replayed.kind, discarded.kind];
      expect([
        ['replayed', 'stands'],
        ['stands', 'discarded'],
      ]).toContainEqual(kinds);
    }
  });

  it('is replayed again only on request, and only after the former replay has ended (P30)', async () => {
    const { db } = database();
    const taskId = await deadTask(db);
    const first = await replayDeadLetter(db, { taskId, actor: 'ann' });
    if (first.kind !== 'replayed') throw new Error(first.kind);
    expect(await replayDeadLetter(db, { taskId, actor: 'ann', again: true })).toMatchObject({
      kind: 'stands',
      state: 'replayed',
    });
    await settleTask(db, { taskId: first.task.id, end: completed() });
    expect(await replayDeadLetter(db, { taskId, actor: 'ann' })).toMatchObject({ kind: 'stands' });
    expect(await replayDeadLetter(db, { taskId, actor: 'ann', again: true })).toMatchObject({
      kind: 'replayed',
    });
  });

  it('stays open when its replay is refused by a bound (P7, P30)', async () => {
    const { db } = database();
    const taskId = await deadTask(db);
    await accept(db);
    await setLimits(db, { maxOpenTasks: 1 });
    expect(await replayDeadLetter(db, { taskId, actor: 'ann' })).toMatchObject({ kind: 'refused' });
    expect(await getDeadLetter(db, taskId)).toMatchObject({ state: 'open', replayTaskId: null });
  });

  it('exists for dead tasks only', async () => {
    const { db } = database();
    const { id: taskId } = await accept(db);
    expect(await replayDeadLetter(db, { taskId, actor: 'ann' })).toEqual({ kind: 'not-found' });
    expect(await discardDeadLetter(db, { taskId, actor: 'ann' })).toEqual({ kind: 'not-found' });
    expect(await getDeadLetter(db, taskId)).toBeNull();
  });
});
