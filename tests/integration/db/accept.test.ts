import { beforeEach, describe, expect, it } from '@jest/globals';
import { acceptTask } from '../../../src/db/accept.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, completed, emptyDatabase, taskOf } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('accept', () => {
  it('writes the task, its event and its count in one transaction, with the seq of the event (P5)', async () => {
    const { db } = database();
    const task = await accept(db, { priority: 2, correlationId: 'c-1' });
    const { events } = await readEvents(db, { after: 0, limit: 10 });
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      seq: task.seq,
      type: 'task.accepted',
      taskId: task.id,
      correlationId: 'c-1',
      actor: 'tester',
      data: { state: 'queued', pool: 'default', priority: 2 },
    });
    expect(await getTask(db, task.id)).toMatchObject({
      prompt: 'Say something.',
      state: 'queued',
      effectivePriority: 2,
      workflowId: `task/${task.id}`,
      output: null,
    });
    const counts = await db.rows('select tenant, pool, priority, open from dash.task_counts');
    expect(counts).toEqual([{ tenant: 'default', pool: 'default', priority: 2, open: 1 }]);
  });

  it('makes one task of 100 concurrent requests with the same key and content (R9)', async () => {
    const { db } = database();
    const other = database().connect('another api', 20);
    const idempotency = { key: 'order-7', requestHash: 'h' };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        acceptTask(index % 2 === 0 ? db : other, taskOf({ idempotency })),
      ),
    );
    const kinds = answers.map((answer) => answer.kind);
    expect(kinds.filter((kind) => kind === 'accepted')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'existing')).toHaveLength(99);
    const ids = new Set(answers.map((answer) => ('task' in answer ? answer.task.id : null)));
    expect(ids.size).toBe(1);
    expect(await db.rows('select open from dash.task_counts')).toEqual([{ open: 1 }]);
  });

  it('refuses the same key with another content, and names the task that has it (R9)', async () => {
    const { db } = database();
    const first = await accept(db, { idempotency: { key: 'k', requestHash: 'one' } });
    expect(await acceptTask(db, taskOf({ idempotency: { key: 'k', requestHash: 'two' } }))).toEqual(
      {
        kind: 'conflict',
        taskId: first.id,
      },
    );
  });

  it('keeps the keys of tenants apart (R9)', async () => {
    const { db } = database();
    const idempotency = { key: 'k', requestHash: 'h' };
    await accept(db, { tenant: 'a', idempotency });
    await expect(accept(db, { tenant: 'b', idempotency })).resolves.toMatchObject({ tenant: 'b' });
  });

  it('answers an existing task also when the bound is reached: the key is looked up first (P7)', async () => {
    const { db } = database();
    const idempotency = { key: 'k', requestHash: 'h' };
    const first = await accept(db, { idempotency });
    await setLimits(db, { maxOpenTasks: 1 });
    expect(await acceptTask(db, taskOf({ idempotency }))).toMatchObject({
      kind: 'existing',
      task: { id: first.id },
    });
  });

  it('never lets more tasks be open than the bound, however many arrive at once (P7)', async () => {
    const { db } = database();
    const other = database().connect('another api', 20);
    await setLimits(db, { maxOpenTasks: 7 });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        acceptTask(
          index % 2 === 0 ? db : other,
          taskOf({ tenant: `t${index % 5}`, priority: index % 3 === 0 ? 1 : 4 }),
        ),
      ),
    );
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(7);
    expect(answers.find((answer) => answer.kind === 'refused')).toEqual({
      kind: 'refused',
      bound: 'max-open-tasks',
      limit: 7,
      retryAfterSeconds: 5,
    });
    expect(await db.rows('select sum(open)::integer as open from dash.task_counts')).toEqual([
      { open: 7 },
    ]);
  });

  it('has room again when a task has ended (P7)', async () => {
    const { db } = database();
    await setLimits(db, { maxOpenTasks: 1 });
    const { id } = await accept(db);
    expect((await acceptTask(db, taskOf())).kind).toBe('refused');
    await settleTask(db, { taskId: id, end: completed() });
    expect((await acceptTask(db, taskOf())).kind).toBe('accepted');
  });

  it('refuses a pool that does not exist, by name, and writes nothing', async () => {
    const { db } = database();
    expect(await acceptTask(db, taskOf({ pool: 'gpu' }))).toEqual({
      kind: 'unknown-pool',
      pool: 'gpu',
      tenant: 'default',
      pools: ['default'],
    });
    expect(await db.rows('select 1 from dash.task_counts')).toEqual([]);
  });

  it('gives a first state: scheduled before its time, waiting behind its session, else queued (P8)', async () => {
    const { db } = database();
    const soon = new Date(Date.now() + 60_000).toISOString();
    const past = new Date(Date.now() - 60_000).toISOString();
    expect(await accept(db, { notBefore: soon })).toMatchObject({
      state: 'scheduled',
      dueAt: soon,
    });
    expect(await accept(db, { notBefore: past })).toMatchObject({ state: 'queued', dueAt: null });
    expect(await accept(db, { sessionKey: 's' })).toMatchObject({
      state: 'queued',
      sessionKey: 's',
    });
    expect(await accept(db, { sessionKey: 's' })).toMatchObject({ state: 'waiting' });
    expect(await accept(db, { sessionKey: 's', tenant: 'other' })).toMatchObject({
      state: 'queued',
    });
  });
});
