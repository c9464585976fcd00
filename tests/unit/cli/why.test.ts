import { expect, it } from '@jest/globals';
import { EXIT } from '../../../cli/exit-codes.ts';
import { dashctl } from './harness.ts';

const WHY = {
  subject: { kind: 'task', id: 'task-1' },
  state: 'queued',
  sentence: 'The fleet is paused.',
  reasons: [
    {
      code: 'fleet-paused',
      sentence: 'The fleet is paused.',
      facts: {},
      since: '2026-11-22T15:00:00.000Z',
      until: null,
      action: 'Resume it.',
    },
    { code: 'in-line', sentence: 'It is next.', facts: {}, since: null, until: null, action: null },
  ],
};

it('prints the binding reason first, each with what to do; --json as it came (architecture 3)', async () => {
  const run = await dashctl(['why', 'task-1'], { answer: () => [200, WHY] });
  expect(run.exitCode).toBe(EXIT.ok);
  const [first, , reason] = run.stdout.split('\n');
  expect(first).toBe('task task-1 is queued.');
  expect(reason).toBe('The fleet is paused.');
  expect(run.stdout).toMatch(/what to do\s+Resume it\./);
  expect(run.stdout).toMatch(/in-line/);
  const json = await dashctl(['why', 'task-1', '--json'], { answer: () => [200, WHY] });
  expect(JSON.parse(json.stdout)).toEqual(WHY);
});

it.each([
  ['task-1', '/api/v1/tasks/task-1/why'],
  ['swarm-1', '/api/v1/swarms/swarm-1/why'],
  ['session:talk', '/api/v1/sessions/talk/why'],
  ['local-1', '/api/v1/gateways/local-1/why'],
  ['gateway:task-runner', '/api/v1/gateways/task-runner/why'],
])('asks about %s at %s', async (what, path) => {
  const asked: string[] = [];
  await dashctl(['why', what], {
    answer: (request) => {
      asked.push(request.path);
      return [200, WHY];
    },
  });
  expect(asked).toEqual([path]);
});
