import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CreateSchedule } from '../../../src/contract/schedules.ts';
import { readEvents } from '../../../src/db/event-store.ts';
import { listTasks } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

/** What people ask for and what rows say; what Temporal does with it is tested in tests/integration/schedules. */

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

const DAILY: CreateSchedule = { name: 'daily', cron: '@daily', task: { prompt: 'x' } };

async function create(schedule: Partial<CreateSchedule> = {}): Promise<string> {
  const { schedule: created } = await api.client.schedules.create({
    body: { ...DAILY, ...schedule },
  });
  return created.id;
}

async function issues(path: string, body: object): Promise<Record<string, string>> {
  const answer = await api.request('POST', path, { body });
  const { code, details } = (await answer.json()) as {
    code: string;
    details: { issues: { path: string; message: string }[] };
  };
  expect({ status: answer.status, code }).toEqual({ status: 422, code: 'validation-failed' });
  return Object.fromEntries(details.issues.map((issue) => [issue.path, issue.message]));
}

describe('what is wrong with a schedule is said with its path and what is allowed (R12, R38)', () => {
  test.each([
    ['a bad cron', { ...DAILY, cron: '61 * * * *' }, { 'body.cron': '0 to 59' }],
    ['a bad zone', { ...DAILY, timeZone: 'Europe/Berlim' }, { 'body.timeZone': 'Europe/Berlin' }],
    [
      'cron and interval',
      { ...DAILY, everySeconds: 60 },
      { 'body.everySeconds': 'one of the two' },
    ],
    [
      'neither',
      { name: 'n', task: { prompt: 'x' } },
      { 'body.cron': 'either cron or everySeconds' },
    ],
    [
      'a catch-up that is too short',
      { ...DAILY, catchupSeconds: 5 },
      { 'body.catchupSeconds': '10' },
    ],
    [
      'an interval of nothing',
      { name: 'n', task: { prompt: 'x' }, everySeconds: 0 },
      { 'body.everySeconds': '1' },
    ],
    ['an unknown policy', { ...DAILY, overlap: 'terminate' }, { 'body.overlap': 'cancel-other' }],
    ['no work', { name: 'n', cron: '@daily' }, { 'body.task': 'either task or swarm' }],
    [
      'two works',
      { ...DAILY, swarm: { name: 's', strategy: 'parallel', items: ['a'], prompt: '{{item}}' } },
      { 'body.swarm': 'one of the two' },
    ],
    [
      'a moment in what comes again',
      { ...DAILY, task: { prompt: 'x', deadline: '2030-01-01T00:00:00Z' } },
      { 'body.task.deadline': 'not known here' },
    ],
    [
      'a pool that is not there',
      { ...DAILY, task: { prompt: 'x', pool: 'none' } },
      { 'body.task.pool': 'none' },
    ],
    [
      'a swarm with a circle',
      {
        name: 'n',
        cron: '@daily',
        swarm: {
          name: 's',
          nodes: [
            { id: 'a', prompt: 'x', dependsOn: ['b'] },
            { id: 'b', prompt: 'x', dependsOn: ['a'] },
          ],
        },
      },
      { 'body.swarm.nodes[0].dependsOn': 'a' },
    ],
  ])('%s', async (_what, body, expected) => {
    const found = await issues('/api/v1/schedules', body);
    for (const [path, words] of Object.entries(expected)) {
      expect(Object.keys(found).join()).toContain(path);
      expect(Object.values(found).join()).toContain(words);
    }
  });

  test('a change is looked at as a whole: a zone for an interval, a cron beside it', async () => {
    const path = `/api/v1/schedules/${await create()}/update`;
    expect(await issues(path, { cron: '@daily', everySeconds: 5 })).toHaveProperty([
      'body.everySeconds',
    ]);
    await api.request('POST', path, { body: { everySeconds: 5 } });
    expect(await issues(path, { timeZone: 'Europe/Paris' })).toHaveProperty(['body.timeZone']);
    expect(await issues(path, { timeZone: 'Europe/Pariss', cron: '@daily' })).toHaveProperty([
      'body.timeZone',
    ]);
  });
});

test('the row is stored first, Temporal is told after it, and each change counts one revision (R12)', async () => {
  api.messages.fail(new Error('Temporal is away'));
  const id = await create();
  api.messages.fail(null);
  const params = { scheduleId: id };
  const { schedule, upcoming } = await api.client.schedules.get({ params });
  expect(schedule).toMatchObject({
    revision: 1,
    cron: '@daily',
    timeZone: 'UTC',
    overlap: 'skip',
    catchupSeconds: 60,
    paused: false,
    task: { prompt: 'x' },
    swarm: null,
  });
  expect(upcoming).toBeNull();
  const swarm = { name: 's', strategy: 'parallel' as const, items: ['a'], prompt: '{{item}}' };
  await api.client.schedules.update({ params, body: { everySeconds: 60, swarm, note: 'why' } });
  await api.client.schedules.pause({ params });
  // Paused already: nothing changes.
  await api.client.schedules.pause({ params });
  const changed = (await api.client.schedules.get({ params })).schedule;
  expect(changed).toMatchObject({
    revision: 3,
    cron: null,
    everySeconds: 60,
    paused: true,
    task: null,
    swarm,
    note: 'why',
    name: 'daily',
  });
  await eventually(() =>
    api.messages.told.some(
      ([name, one, revision]) => name === 'followSchedule' && one === id && revision === 3,
    ),
  );
  await api.client.schedules.remove({ params });
  await eventually(() =>
    api.messages.told.some(([name, one]) => name === 'removeSchedule' && one === id),
  );
  const { events } = await readEvents(database().db, { after: 0, limit: 1_000 });
  expect(
    events
      .filter(({ data }) => data['scheduleId'] === id)
      .map(({ type, actor }) => [type, actor !== null]),
  ).toEqual(['created', 'updated', 'paused', 'deleted'].map((what) => [`schedule.${what}`, true]));
});

test('the same Idempotency-Key creates one schedule, another body under it is a conflict (R9)', async () => {
  const ask = (body: CreateSchedule) =>
    api.client.schedules.create({ body, idempotencyKey: 'same' });
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(DAILY)));
  expect(new Set(answers.map(({ schedule }) => schedule.id)).size).toBe(1);
  expect(answers.filter(({ existing }) => !existing)).toHaveLength(1);
  await expect(ask({ ...DAILY, name: 'other' })).rejects.toMatchObject({
    problem: { code: 'idempotency-conflict' },
  });
});

test('a key of another tenant neither sees nor changes a schedule (R34)', async () => {
  const scheduleId = await create();
  const stranger = api.clientOf(
    await makeKey(database().db, {
      scopes: ['schedules:read', 'schedules:write'],
      tenant: 'other',
    }),
  );
  const params = { scheduleId };
  const gone = { problem: { code: 'schedule-not-found' } };
  await expect(stranger.schedules.get({ params })).rejects.toMatchObject(gone);
  await expect(stranger.schedules.trigger({ params })).rejects.toMatchObject(gone);
  await expect(stranger.schedules.remove({ params })).rejects.toMatchObject(gone);
  expect((await stranger.schedules.list()).items).toEqual([]);
  const own = await stranger.schedules.create({ body: DAILY });
  expect(own.schedule.tenant).toBe('other');
});

test('work that is wanted now needs no Temporal, and is refused while a bound is reached (P7, R17)', async () => {
  const { db } = database();
  const scheduleId = await create();
  const params = { scheduleId };
  const { taskId } = await api.client.schedules.trigger({ params });
  expect(await listTasks(db, { filter: { scheduleId }, limit: 10 })).toMatchObject([
    { id: taskId },
  ]);
  await db.rows('update dash.installation set max_open_tasks = 1');
  await expect(api.client.schedules.trigger({ params })).rejects.toMatchObject({
    problem: { code: 'limit-reached' },
  });
  await db.rows('update dash.installation set max_open_tasks = 10000');
});
