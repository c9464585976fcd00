import { describe, expect, test } from '@jest/globals';
import { withApi } from './support.ts';

const running = withApi();
const cli = (argv: string[]) => running().dashctl(argv);

async function submit(...options: string[]): Promise<{ id: string; approvalId: string }> {
  const run = await cli(['task', 'submit', '--prompt', 'deploy it', '--json', ...options]);
  expect(run.exitCode).toBe(0);
  return (run.json() as { task: { id: string; approvalId: string } }).task;
}

describe('dashctl approval against a real API', () => {
  test('a task is submitted with an approval, listed, shown and approved (field 10)', async () => {
    const { id, approvalId } = await submit(
      '--approval-prompt',
      'May it go out?',
      '--approval-expires',
      '2h',
      '--approval-on-expiry',
      'escalate',
      '--escalate-to',
      'boss',
    );
    const list = await cli(['approval', 'list', '--task', id]);
    expect(list.stdout).toMatch(new RegExp(`${approvalId} +open +${id}.*May it go out\\?`));
    const get = await cli(['approval', 'get', approvalId]);
    expect(get.stdout).toContain('May it go out?');
    expect(get.stdout).toMatch(/expires +\S+, then: escalate/);
    expect(get.stdout).toMatch(/escalates to +boss/);
    expect((await cli(['task', 'get', id])).stdout).toMatch(new RegExp(`approval +${approvalId}`));
    expect(await cli(['approval', 'approve', approvalId, '--comment', 'yes'])).toMatchObject({
      exitCode: 0,
      stdout: `${approvalId} approved\n`,
    });
    expect((await cli(['approval', 'list', '--task', id, '--json'])).json()).toMatchObject({
      items: [],
    });
    const states = ['--state', 'approved,rejected'];
    expect((await cli(['approval', 'list', ...states, '--json'])).json()).toMatchObject({
      items: [{ id: approvalId, state: 'approved', comment: 'yes' }],
    });
  });

  test('a rejection ends the task; a second decision is exit code 6 and says what was decided (P6)', async () => {
    const { id, approvalId } = await submit('--approval');
    expect(await cli(['approval', 'reject', approvalId])).toMatchObject({ exitCode: 0 });
    expect((await cli(['task', 'list', '--state', 'cancelled'])).stdout).toMatch(
      new RegExp(`${id} +cancelled \\(rejected\\)`),
    );
    expect(await cli(['approval', 'approve', approvalId])).toMatchObject({
      exitCode: 6,
      stdout: '',
      stderr: expect.stringContaining('was rejected before'),
    });
    expect(await cli(['approval', 'get', 'approval-none'])).toMatchObject({ exitCode: 5 });
    expect(await cli(['approval', 'list', '--state', 'maybe'])).toMatchObject({ exitCode: 2 });
  });

  test('with approvers another key is refused (R34)', async () => {
    const { approvalId } = await submit('--approver', 'ann', '--approver', 'bob');
    const run = await cli(['approval', 'approve', approvalId]);
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toContain('ann, bob');
  });
});
