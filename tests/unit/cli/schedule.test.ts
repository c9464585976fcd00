import { expect, test } from '@jest/globals';
import { dashctl, type Answerer } from './harness.ts';

const now = '2026-11-22T15:00:00.000Z';
const schedule = {
  id: 'schedule-1',
  tenant: 'default',
  name: 'report',
  task: { prompt: 'x' },
  swarm: null,
  cron: '30 6 * * *',
  everySeconds: null,
  timeZone: 'Europe/Berlin',
  overlap: 'skip',
  catchupSeconds: 60,
  paused: false,
  note: null,
  revision: 2,
  problem: null,
  createdAt: now,
  updatedAt: now,
};

function recording(answer: readonly [number, unknown]): { asked: unknown[]; answer: Answerer } {
  const asked: unknown[] = [];
  return {
    asked,
    answer: ({ method, path, body, headers }) => {
      asked.push({ method, path, body, key: headers.get('idempotency-key') });
      return answer;
    },
  };
}

test('schedule create sends what the options say, repeatable under one key (R44)', async () => {
  const { asked, answer } = recording([201, { existing: false, schedule }]);
  const run = await dashctl(
    [
      ...['schedule', 'create', '--name', 'report', '--cron', '30 6 * * *'],
      ...['--time-zone', 'Europe/Berlin', '--overlap', 'buffer-one', '--catchup', '5m'],
      ...['--prompt', 'x', '--priority', 'low', '--run-limit', '10m', '--paused'],
    ],
    { answer },
  );
  expect(run).toMatchObject({ exitCode: 0, stdout: 'schedule-1\n' });
  expect(asked).toEqual([
    {
      method: 'POST',
      path: '/api/v1/schedules',
      key: 'random-id',
      body: {
        name: 'report',
        cron: '30 6 * * *',
        timeZone: 'Europe/Berlin',
        overlap: 'buffer-one',
        catchupSeconds: 300,
        paused: true,
        task: { prompt: 'x', priority: 'low', runLimitSeconds: 600 },
      },
    },
  ]);
});

test('schedule update sends only what changes; options of a task need its prompt (R44)', async () => {
  const { asked, answer } = recording([200, { schedule }]);
  const run = await dashctl(['schedule', 'update', 'schedule-1', '--every', '15m'], { answer });
  expect(run.stdout).toBe('schedule-1 changed, revision 2\n');
  expect(asked).toMatchObject([
    { path: '/api/v1/schedules/schedule-1/update', body: { everySeconds: 900 } },
  ]);
  const refused = await dashctl(['schedule', 'update', 'schedule-1', '--pool', 'p'], { answer });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('--prompt');
  expect(asked).toHaveLength(1);
});

test.each([
  ['pause', 'POST', '/pause', 'paused'],
  ['resume', 'POST', '/resume', 'resumed'],
  ['delete', 'DELETE', '', 'deleted'],
])('schedule %s asks for it and says so (R44)', async (verb, method, place, words) => {
  const { asked, answer } = recording([200, { schedule }]);
  const run = await dashctl(['schedule', verb, 'schedule-1'], { answer });
  expect(run.stdout).toBe(`schedule-1 ${words}\n`);
  expect(asked).toMatchObject([{ method, path: `/api/v1/schedules/schedule-1${place}` }]);
});

test('schedule trigger prints the id of the work, as JSON too (R44)', async () => {
  const { answer } = recording([202, { taskId: 'task-1', swarmId: null }]);
  expect((await dashctl(['schedule', 'trigger', 'schedule-1'], { answer })).stdout).toBe(
    'task-1\n',
  );
  const json = await dashctl(['schedule', 'trigger', 'schedule-1', '--json'], { answer });
  expect(JSON.parse(json.stdout)).toEqual({ taskId: 'task-1', swarmId: null });
});

test('schedule get shows the next time, what was left out, and why a firing admitted nothing (R12)', async () => {
  const view = {
    schedule: { ...schedule, problem: 'unknown time zone' },
    upcoming: { next: [now], skippedByOverlap: 4, missedCatchup: 1 },
    firings: [
      {
        scheduledAt: now,
        firedAt: now,
        trigger: 'time',
        workflowId: 'w',
        taskId: null,
        swarmId: null,
        state: null,
        refusal: 'the schedule is paused',
      },
    ],
  };
  const { answer } = recording([200, view]);
  const { stdout } = await dashctl(['schedule', 'get', 'schedule-1'], { answer });
  expect(stdout).toContain('30 6 * * * (Europe/Berlin)');
  expect(stdout).toContain('does not run: unknown time zone');
  expect(stdout).toContain('the schedule is paused');
  const json = await dashctl(['schedule', 'get', 'schedule-1', '--json'], { answer });
  expect(JSON.parse(json.stdout)).toEqual(view);
  const list = recording([200, { items: [schedule], nextCursor: null }]);
  expect((await dashctl(['schedule', 'list'], { answer: list.answer })).stdout).toContain('report');
});
