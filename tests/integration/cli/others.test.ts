import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../cli/commands.ts';
import { eventually } from '../../support/eventually.ts';
import { withApi } from './support.ts';

const running = withApi();
const cli = (argv: string[], options?: Parameters<ReturnType<typeof running>['dashctl']>[1]) =>
  running().dashctl(argv, options);
const swarmFile = 'name: two\nstrategy: parallel\nitems: [a, b]\nprompt: "say {{item}}"\n';

describe('dashctl swarm against a real API', () => {
  test('run accepts a file, starts its workflow, and status shows its nodes', async () => {
    const run = await cli(['swarm', 'run', '-'], { stdin: swarmFile });
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\S+\n$/) });
    const id = run.stdout.trim();
    expect(running().said).toContain(`startSwarm ${id}`);
    const status = await cli(['swarm', 'status', id, '--json']);
    expect(status.json()).toMatchObject({
      swarm: { id, name: 'two', state: 'running' },
      nodes: [{ state: 'waiting' }, { state: 'waiting' }],
    });
    expect(await cli(['swarm', 'status', id])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('0 of 2 nodes done'),
    });
    expect((await cli(['swarm', 'list', '--json'])).json()).toMatchObject({ items: [{ id }] });
  });

  test('the example file of the README is accepted as it stands', async () => {
    expect(await cli(['swarm', 'run', 'examples/first-swarm.yaml'])).toMatchObject({ exitCode: 0 });
  });

  test('pause, resume, scale and cancel reach the workflow; an unknown swarm is exit code 5', async () => {
    const id = (await cli(['swarm', 'run', '-'], { stdin: swarmFile })).stdout.trim();
    for (const argv of [
      ['pause', id],
      ['resume', id],
      ['scale', id, '3'],
      ['cancel', id],
    ]) {
      const run = await cli(['swarm', ...argv, '--json']);
      expect({ argv, exitCode: run.exitCode }).toEqual({ argv, exitCode: 0 });
      expect(run.json()).toMatchObject({ swarm: { id } });
    }
    expect(running().said.filter((line) => line.endsWith(id))).toEqual(
      expect.arrayContaining([`startSwarm ${id}`, `pause ${id}`, `resume ${id}`, `scale ${id}`]),
    );
    expect(await cli(['swarm', 'pause', 'swarm-none'])).toMatchObject({ exitCode: 5 });
  });

  test('an invalid file creates nothing: exit code 2, every error with its place', async () => {
    const before = (await cli(['swarm', 'list', '--json'])).json();
    const run = await cli(['swarm', 'run', '-'], {
      stdin: 'name: x\nnodes:\n  - id: a\n    prompt: p\n    dependsOn: [b]\n',
    });
    expect(run).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('5:17 nodes[0].dependsOn[0]'),
    });
    expect((await cli(['swarm', 'list', '--json'])).json()).toEqual(before);
  });
});

describe('dashctl gateway against a real API', () => {
  test('add registers without ever showing the token; list and get show it', async () => {
    const add = await cli(
      [
        'gateway',
        'add',
        'ws://127.0.0.1:18789',
        '--id',
        'gw-1',
        '--token-file',
        '-',
        '--label',
        'team=docs',
        '--lanes',
        '2',
      ],
      { stdin: 'top-secret-token\n' },
    );
    expect(add).toMatchObject({ exitCode: 0, stdout: 'gw-1\n' });
    expect(running().said).toContain('ensureGateway gw-1');
    const list = await cli(['gateway', 'list', '--json']);
    expect(list.json()).toMatchObject({
      items: [{ id: 'gw-1', kind: 'adopted', labels: { team: 'docs' }, lanes: { configured: 2 } }],
    });
    const get = await cli(['gateway', 'get', 'gw-1']);
    expect(get).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('team=docs') });
    expect(list.stdout + get.stdout).not.toContain('top-secret-token');
    const again = await cli([
      'gateway',
      'add',
      'ws://127.0.0.1:18789',
      '--id',
      'gw-1',
      '--token',
      'another',
    ]);
    expect(again).toMatchObject({ exitCode: 6, stdout: '' });
  });

  test('set changes what is named and nothing else; get shows weight and health (R57)', async () => {
    const set = await cli(
      'gateway set gw-1 --lanes 3 --cost-weight 2.5 --region eu-1 --tenant docs,ops'.split(' '),
    );
    expect(set).toMatchObject({ exitCode: 0, stdout: 'gw-1: changed\n' });
    expect((await cli(['gateway', 'get', 'gw-1', '--json'])).json()).toMatchObject({
      labels: { team: 'docs' },
      lanes: { configured: 3, health: null },
      costWeight: 2.5,
      region: 'eu-1',
      allowedTenants: ['docs', 'ops'],
      health: { verdict: 'healthy', reasons: [], errorRate: 0, latencyMs: null },
    });
    await cli('gateway set gw-1 --without-region --every-tenant'.split(' '));
    const get = await cli(['gateway', 'get', 'gw-1']);
    expect(get.stdout).toMatch(/tenants +all/);
    expect(get.stdout).toMatch(/health +healthy since/);
    expect(get.stdout).toMatch(/cost weight +2.5/);
    for (const wrong of ['', '--cost-weight 0', '--region x --without-region']) {
      const run = await cli(`gateway set gw-1 ${wrong}`.trim().split(' '));
      expect({ wrong, exitCode: run.exitCode }).toEqual({ wrong, exitCode: 2 });
    }
  });

  test('every verb stores its wish; a state that refuses it is exit code 6 with what it accepts', async () => {
    await cli(['gateway', 'add', 'ws://127.0.0.1:18790', '--id', 'gw-2', '--token', 'some-token']);
    const verbs = COMMANDS.filter(({ path }) => path[0] === 'gateway')
      .map(({ path }) => path[1]!)
      .filter((verb) => !['add', 'list', 'get', 'set', 'url'].includes(verb));
    expect(verbs).toEqual([
      'start',
      'stop',
      'drain',
      'undrain',
      'cordon',
      'uncordon',
      'restart',
      'recover',
      'remove',
    ]);
    for (const verb of verbs) {
      const run = await cli(['gateway', verb, 'gw-2', '--reason', 'a test', '--json']);
      expect({ verb, exitCode: run.exitCode }).toEqual({ verb, exitCode: 0 });
      expect(run.json()).toMatchObject({ gatewayId: 'gw-2', command: verb });
      expect(running().said).toContain(`${verb} gw-2`);
    }
    running().gatewayAnswer = {
      kind: 'refused',
      state: 'stopped',
      accepts: ['start', 'remove'],
      detail: 'The gateway is stopped; it accepts start, remove.',
    };
    expect(await cli(['gateway', 'drain', 'gw-2'])).toMatchObject({
      exitCode: 6,
      stderr: expect.stringContaining('start, remove'),
    });
    running().gatewayAnswer = { kind: 'recorded', state: 'open' };
  });

  test('--wait follows a wish until it has come true, and exits 1 with the hint when the gateway failed instead', async () => {
    const { db } = running().database;
    const set = (state: string, more = '') =>
      db.rows(`update dash.gateways set state = '${state}' ${more} where id = 'gw-3'`);
    await cli(['gateway', 'add', 'ws://127.0.0.1:18791', '--id', 'gw-3', '--token', 'some-token']);
    await set('open');
    const draining = cli(['gateway', 'drain', 'gw-3', '--wait', '--timeout', '20s']);
    await eventually(() => running().said.includes('drain gw-3'));
    await set('drained');
    expect(await draining).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('gw-3 drained'),
    });
    const recovering = cli(['gateway', 'recover', 'gw-3', '--wait', '--timeout', '20s']);
    await eventually(() => running().said.includes('recover gw-3'));
    await set('failed', `, failure = 'auth', hint = 'Give it the right token.'`);
    expect(await recovering).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Give it the right token.'),
    });
  });
});

describe('dashctl events tail', () => {
  test('goes on behind the last event when the API restarts: none lost, none twice (P5)', async () => {
    const stop = new AbortController();
    let seen = '';
    const tailing = cli(['events', 'tail', '--from-start', '--type', 'task.accepted', '--json'], {
      signal: stop.signal,
      onStdout: (text) => (seen = text),
    });
    const submit = async (): Promise<string> =>
      (await cli(['task', 'submit', '--prompt', 'p'])).stdout.trim();
    const ids: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      ids.push(await submit());
      const last = ids.at(-1)!;
      await eventually(() => seen.includes(last));
      await running().restartApi();
      ids.push(await submit());
    }
    await eventually(() => seen.includes(ids.at(-1)!));
    stop.abort();
    expect((await tailing).exitCode).toBe(130);
    const told = seen
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { taskId: string }).taskId);
    expect(told.filter((id) => ids.includes(id))).toEqual(ids);
  });
});

describe('--json', () => {
  test('stdout of every reading command is one JSON document', async () => {
    const reading = [
      ['task', 'list'],
      ['swarm', 'list'],
      ['session', 'list'],
      ['gateway', 'list'],
    ];
    for (const argv of reading) {
      const run = await cli([...argv, '--json']);
      expect({ argv, exitCode: run.exitCode, isJson: typeof run.json() }).toEqual({
        argv,
        exitCode: 0,
        isJson: 'object',
      });
    }
  });
});
