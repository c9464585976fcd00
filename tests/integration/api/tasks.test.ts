import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TASK_DEFAULTS } from '../../../src/domain/task-defaults.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase({ maxConnections: 20 });
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

const submit = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  api.request('POST', '/api/v1/tasks', { body, headers });

describe('submitting', () => {
  test('an accepted task is a row that every later read shows (G26)', async () => {
    const { task, existing } = await api.client.tasks.submit({
      body: { prompt: 'say hello', session: 'a.b-c_1', priority: 'high' },
    });
    expect(existing).toBe(false);
    expect(task).toMatchObject({
      state: 'queued',
      tenant: TASK_DEFAULTS.tenant,
      pool: 'default',
      session: 'a.b-c_1',
      priority: 'high',
      maxAttempts: 3,
    });
    const read = await api.client.tasks.get({ params: { taskId: task.id } });
    expect(read).toMatchObject({ ...task, prompt: 'say hello', output: null });
    const { items } = await api.client.tasks.events({ params: { taskId: task.id } });
    expect(items.map(({ type }) => type)).toEqual(['task.accepted']);
    expect((await api.client.tasks.attempts({ params: { taskId: task.id } })).items).toEqual([]);
  });

  test('100 concurrent submits with one Idempotency-Key make one task: one 202, 99 times 200 (R9)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => submit({ prompt: 'once' }, { 'Idempotency-Key': 'r9' })),
    );
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as {
      task: { id: string };
    }[];
    expect(new Set(bodies.map(({ task }) => task.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
    const rows = await database().db.rows<{ count: number }>(
      `select count(*) from dash.tasks where prompt = 'once'`,
    );
    expect(rows[0]!.count).toBe(1);
  });

  test('another body under the same Idempotency-Key is a conflict; the order of properties is no difference (R9)', async () => {
    const headers = { 'Idempotency-Key': 'r9-body' };
    const first = await submit({ prompt: 'x', priority: 'low' }, headers);
    expect(first.status).toBe(202);
    expect((await submit({ priority: 'low', prompt: 'x' }, headers)).status).toBe(200);
    const conflict = await submit({ prompt: 'y', priority: 'low' }, headers);
    expect(conflict.status).toBe(409);
    const { task } = (await first.json()) as { task: { id: string } };
    expect(await conflict.json()).toMatchObject({
      code: 'idempotency-conflict',
      details: { taskId: task.id },
    });
  });

  test('work is accepted while Temporal is away (R11)', async () => {
    api.messages.fail(new Error('Temporal is away'));
    try {
      expect((await submit({ prompt: 'without Temporal' })).status).toBe(202);
    } finally {
      api.messages.fail(null);
    }
  });

  test('an unknown pool is an error of the request, with its path (R38)', async () => {
    const answer = await submit({ prompt: 'x', pool: 'nowhere' });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({
      code: 'validation-failed',
      details: {
        issues: [
          {
            path: 'body.pool',
            message: 'there is no pool "nowhere"; pools of tenant "default": default',
          },
        ],
      },
    });
  });

  test('at the bound on open tasks the answer is 429 with Retry-After and the name of the bound (R17)', async () => {
    const { db } = database();
    const open = await db.rows<{ open: number }>(
      `select count(*) as open from dash.tasks where state not in ('completed', 'cancelled', 'expired', 'dead')`,
    );
    await setLimits(db, { maxOpenTasks: Number(open[0]!.open) });
    try {
      const answer = await submit({ prompt: 'too much' });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({
        code: 'limit-reached',
        retryable: true,
        details: { bound: 'max-open-tasks' },
      });
    } finally {
      await setLimits(db, { maxOpenTasks: 10_000 });
    }
  });

  test('a moment of any offset is stored as the same moment (R12)', async () => {
    const { task } = await api.client.tasks.submit({
      body: {
        prompt: 'later',
        notBefore: '2031-02-03T04:05:06+23:00',
        deadline: '2032-01-01T00:00:00Z',
      },
    });
    expect(task).toMatchObject({
      state: 'scheduled',
      dueAt: '2031-02-02T05:05:06.000Z',
      deadlineAt: '2032-01-01T00:00:00.000Z',
    });
  });
});

describe('listing', () => {
  test('pages go through all tasks once, newest first, and filters hold (R29)', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      const { task } = await api.client.tasks.submit({
        body: {
          prompt: `page ${index}`,
          tenant: 'pages',
          priority: index % 2 === 0 ? 'low' : 'high',
        },
      });
      ids.unshift(task.id);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.client.tasks.list({
        query: { tenant: 'pages', limit: 3, ...(cursor === undefined ? {} : { cursor }) },
      });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids);
    const high = await api.client.tasks.list({
      query: { tenant: 'pages', priority: 'high', state: ['queued'] },
    });
    expect(high.items).toHaveLength(3);
    expect(
      (await api.client.tasks.list({ query: { tenant: 'pages', state: ['completed'] } })).items,
    ).toEqual([]);
  });

  test('a cursor that nobody gave out is refused (R38)', async () => {
    const answer = await api.request('GET', '/api/v1/tasks?cursor=abc');
    expect(answer.status).toBe(422);
  });
});

describe('cancelling', () => {
  test('a waiting task ends at once, also while Temporal is away, and cancelling again says how it stands (R13)', async () => {
    const { task } = await api.client.tasks.submit({ body: { prompt: 'never' } });
    api.messages.fail(new Error('Temporal is away'));
    const first = await api.request('POST', `/api/v1/tasks/${task.id}/cancel`);
    api.messages.fail(null);
    expect(first.status).toBe(200);
    expect(await first.json()).toMatchObject({ result: 'cancelled', task: { state: 'cancelled' } });
    const again = await api.client.tasks.cancel({ params: { taskId: task.id } });
    expect(again).toMatchObject({ result: 'already-ended', task: { state: 'cancelled' } });
  });

  test('a dispatched task is marked in its row first, then its workflow is told (P28)', async () => {
    const { task } = await api.client.tasks.submit({ body: { prompt: 'running' } });
    await database().db.rows(`update dash.tasks set state = 'dispatched' where id = $1`, [task.id]);
    const answer = await api.request('POST', `/api/v1/tasks/${task.id}/cancel`);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({
      result: 'requested',
      task: { state: 'dispatched', cancelRequested: 'cancelled' },
    });
    await eventually(() =>
      api.messages.told.some(
        ([name, id]) => name === 'signalTaskCancel' && id === `task/${task.id}`,
      ),
    );
  });
});

describe('what does not exist', () => {
  test.each([
    ['GET', '/api/v1/tasks/none', 'task-not-found'],
    ['POST', '/api/v1/tasks/none/cancel', 'task-not-found'],
    ['POST', '/api/v1/tasks/none/replay', 'task-not-found'],
    ['POST', '/api/v1/tasks/none/discard', 'task-not-found'],
    ['GET', '/api/v1/tasks/none/events', 'task-not-found'],
    ['GET', '/api/v1/tasks/none/attempts', 'task-not-found'],
    ['GET', '/api/v1/swarms/none', 'swarm-not-found'],
    ['POST', '/api/v1/swarms/none/pause', 'swarm-not-found'],
    ['POST', '/api/v1/swarms/none/cancel', 'swarm-not-found'],
    ['GET', '/api/v1/sessions/none', 'session-not-found'],
    ['GET', '/api/v1/gateways/none', 'gateway-not-found'],
    ['POST', '/api/v1/gateways/none/drain', 'gateway-not-found'],
  ])('%s %s answers %s (R38)', async (method, path, code) => {
    const answer = await api.request(method, path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code, status: 404 });
  });
});
