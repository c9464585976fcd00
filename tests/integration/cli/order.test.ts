import { describe, expect, test } from '@jest/globals';
import { withApi } from './support.ts';

const running = withApi();
const cli = (...argv: string[]) => running().dashctl(argv);

describe('dashctl pool, tenant, fleet and task bump against a real API', () => {
  test('pool put, get, list and delete; a pool that is not there is exit code 5', async () => {
    const put = await cli(
      ...['pool', 'put', 'gpu', '--label', 'kind=gpu', '--region', 'eu-1,eu-2'],
      ...['--capability', 'code', '--tenant', 'lab', '--json'],
    );
    expect(put.json()).toMatchObject({
      matchLabels: { kind: 'gpu' },
      matchRegions: ['eu-1', 'eu-2'],
      matchCapabilities: ['code'],
      allowedTenants: ['lab'],
    });
    expect((await cli('pool', 'get', 'gpu')).stdout).toMatch(/kind=gpu[\s\S]*eu-1 eu-2/);
    expect((await cli('pool', 'list')).stdout).toMatch(/default[\s\S]*gpu/);
    expect(await cli('pool', 'delete', 'gpu')).toMatchObject({ exitCode: 0 });
    expect(await cli('pool', 'delete', 'gpu')).toMatchObject({ exitCode: 5 });
    expect((await cli('pool', 'delete', 'default')).exitCode).not.toBe(0);
  });

  test('tenant set keeps what is not given, and `none` takes a bound away', async () => {
    await cli('tenant', 'set', 'lab', '--weight', '3', '--max-running', '9');
    const set = await cli('tenant', 'set', 'lab', '--max-running', 'none', '--json');
    expect(set.json()).toMatchObject({ id: 'lab', weight: 3, maxRunning: null });
    expect((await cli('tenant', 'get', 'lab')).stdout).toMatch(/weight +3/);
    expect((await cli('tenant', 'list')).stdout).toContain('lab');
    expect(await cli('tenant', 'set', 'lab', '--weight', '0')).toMatchObject({ exitCode: 2 });
  });

  test('fleet pause, status, limits and resume', async () => {
    expect((await cli('fleet', 'pause', '--reason', 'night')).stdout).toMatch(/paused.*: night/);
    expect((await cli('fleet', 'status', '--json')).json()).toMatchObject({ paused: true });
    const limits = await cli(
      ...['fleet', 'limits', '--max-open', '50', '--max-open-per-tenant', '9'],
      ...['--max-open-per-pool', '8', '--max-running', '7', '--max-running-per-tenant', 'none'],
      ...['--ageing', '5m', '--json'],
    );
    expect(limits.json()).toMatchObject({
      limits: {
        maxOpenTasks: 50,
        maxOpenTasksPerTenant: 9,
        maxOpenTasksPerPool: 8,
        maxRunningTotal: 7,
        maxRunningPerTenant: null,
        ageingSeconds: 300,
      },
    });
    expect((await cli('fleet', 'resume')).stdout).toMatch(/claims +going on/);
  });

  test('task submit with requirements instead of a pool, and task bump', async () => {
    await cli('pool', 'put', 'eu', '--region', 'eu-1');
    const submit = ['task', 'submit', '--prompt', 'p', '--priority', 'low'];
    const asked = await cli(...submit, '--require-region', 'eu-1', '--json');
    const { task } = asked.json() as { task: { id: string } };
    expect(task).toMatchObject({ pool: 'eu', requirements: { region: 'eu-1' } });
    expect(await cli(...submit, '--pool', 'eu', '--require-label', 'a=b')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not both'),
    });
    const bump = await cli('task', 'bump', task.id, '--priority', 'high', '--reason', 'vip');
    expect(bump).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('raised: high') });
    expect((await cli('task', 'bump', task.id, '--priority', 'low')).stdout).toContain(
      'was as urgent before',
    );
  });
});
