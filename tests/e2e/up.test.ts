import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WireLog } from '../../src/gateway/fake-gateway/wire-log.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import {
  BUNDLED,
  callDashctl,
  killEverything,
  QUICK,
  startUp,
  UP_WITH_FAKE_GATEWAY,
  type UpProcess,
} from '../support/up-process.ts';

/** A start takes five seconds on an idle machine. */
const START_MS = 120_000;
const TEST_MS = 240_000;
const FIRST_SWARM = ['--first-swarm', 'examples/first-swarm.yaml'];

const started: UpProcess[] = [];
function up(
  dataDir: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): UpProcess {
  const launched = startUp({
    program: UP_WITH_FAKE_GATEWAY,
    dataDir,
    args,
    env: { ...BUNDLED, ...env },
  });
  started.push(launched);
  return launched;
}
afterEach(() => {
  for (const launched of started.splice(0)) killEverything(launched);
});

/** Three tasks: one is answered at once, one runs for a while, the last waits for both. */
function slowSwarm(dir: string): string {
  const file = join(dir, 'slow.yaml');
  const nodes = [
    { id: 'quick', prompt: '[[say:quick answer]]' },
    { id: 'slow', prompt: '[[sleep:6000]][[say:slow answer]]' },
    {
      id: 'last',
      dependsOn: ['quick', 'slow'],
      prompt: '[[say:last answer]] after {{nodes.slow.output}}',
    },
  ];
  writeFileSync(file, JSON.stringify({ name: 'slow', nodes }));
  return file;
}

/** The gateway's own witness: every task of the swarm was answered once, and never ran twice at a time. */
async function expectAnsweredOnce(dataDir: string): Promise<void> {
  const { stdout } = await callDashctl(dataDir, ['task', 'list', '--all', '--json']);
  const { items } = JSON.parse(stdout) as { items: { id: string; state: string }[] };
  const log = WireLog.fromFile(join(dataDir, 'gateways/local-1/wire.jsonl'));
  expect(items).toHaveLength(3);
  for (const { id, state } of items) {
    expect({ id, state, answers: log.answers(id).length }).toEqual({
      id,
      state: 'completed',
      answers: 1,
    });
    for (const { sessionKey } of log.runsStarted(id)) expect(log.maxOverlap(sessionKey)).toBe(1);
  }
}

describe('npm start', () => {
  test(
    '--once runs the first swarm through everything, prints each answer, exits 0 and leaves nothing behind',
    async () => {
      using dir = tempDir();
      // It bundles the workflows by itself, as a person's start does.
      const run = up(dir.path, [...FIRST_SWARM, '--once'], { DASH_WORKFLOW_BUNDLE: '' });
      await run.saysWithin('Ready in', START_MS);
      await run.endsWith(0);
      for (const node of [
        'killed-process',
        'lost-connection',
        'full-queue',
        'checklist',
        'audience',
        'announce',
      ]) {
        expect(run.said()).toMatch(
          new RegExp(
            `^${node}  completed on local-1, attempt 1, \\d+ tokens, \\$[\\d.]+, .+\\n  http://127.0.0.1:\\d+/namespaces/default/workflows/task%2F`,
            'm',
          ),
        );
      }
      expect(run.said()).toContain('a built-in stub model answers');
      expect(run.said()).toContain('6 of 6 tasks answered');
      expect(statSync(join(dir.path, 'admin-api-key')).mode & 0o777).toBe(0o600);
      expect([...run.children().keys(), ...run.livingOfLaunch(), ...run.guards()]).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'stays up, on free ports when its own are in use, and says so; a second start says where it runs; Ctrl-C ends every child with exit 0; the next start has the same gateway and data',
    async () => {
      using dir = tempDir();
      const taken = await listen();
      const first = up(dir.path, FIRST_SWARM, { DASH_API_PORT: String(taken.port) });
      await first.saysWithin(/^Stop\s/m, START_MS);
      expect(first.said()).toContain(`Port ${taken.port} is in use; the API uses port`);
      const [, apiUrl = ''] = /^API\s+(http:\S+)/m.exec(first.said()) ?? [];
      const ready = await fetch(`${apiUrl}/health/ready`);
      expect(ready.status).toBe(200);
      expect([...first.children().keys()].toSorted()).toEqual([
        'OpenClaw gateway local-1',
        'PostgreSQL',
        'Temporal',
      ]);
      const before = await gatewayOf(dir.path);
      await taken.close();

      const second = up(dir.path, FIRST_SWARM);
      await second.endsWith(6);
      expect(second.said()).toContain(
        `already running on the data directory ${dir.path} (pid ${first.pid}). Its API is at ${apiUrl}`,
      );

      first.kill('SIGINT');
      await first.endsWith(0);
      expect([...first.children().keys(), ...first.livingOfLaunch(), ...first.guards()]).toEqual(
        [],
      );

      const third = up(dir.path, FIRST_SWARM);
      await third.saysWithin(/^Stop\s/m, START_MS);
      expect(third.said()).toMatch(
        /first-swarm completed here before .*\n?.*swarm run examples\/first-swarm.yaml/,
      );
      expect(await gatewayOf(dir.path)).toEqual(before);
      third.kill('SIGTERM');
      await third.endsWith(0);
    },
    TEST_MS,
  );

  test(
    'killed in the middle of a swarm, first the launcher, then everything at once, guard and gateway included: no child outlives the launcher by 10 s, each next start goes on with the swarm, and it ends with one answer per task (R11, P37)',
    async () => {
      using dir = tempDir();
      const file = slowSwarm(dir.path);
      const first = up(dir.path, ['--first-swarm', file], QUICK);
      await first.saysWithin('quick answer', START_MS);
      await runs(dir.path, 'slow');
      first.kill('SIGKILL');
      await first.exited;
      await eventually(() => first.livingOfLaunch().length + first.guards().length === 0, {
        timeoutMs: 10_000,
        what: 'the end of every child',
      });

      const second = up(dir.path, ['--first-swarm', file], QUICK);
      await second.saysWithin('Ready in', START_MS);
      // The row of the killed start says `open` still: ready means that the gateway has come back.
      expect(boots(dir.path)).toBe(2);
      await second.saysWithin('Going on with the unfinished swarm slow', START_MS);
      await runs(dir.path, 'slow');
      killEverything(second);
      await second.exited;

      const third = up(dir.path, ['--first-swarm', file], QUICK);
      await third.saysWithin('Ready in', START_MS);
      expect(boots(dir.path)).toBe(3);
      await third.saysWithin(/^Stop\s/m, START_MS);
      expect(third.said()).toContain('Going on with the unfinished swarm slow');
      expect(third.said()).toContain('3 of 3 tasks answered');
      await expectAnsweredOnce(dir.path);
      third.kill('SIGINT');
      await third.endsWith(0);
    },
    TEST_MS,
  );

  test(
    'what a killed launcher and a killed guard left running is ended before anything is started in its place; when Temporal is killed it says so, ends the rest, and exits 1 (P37)',
    async () => {
      using dir = tempDir();
      const first = up(dir.path);
      await first.saysWithin(/^Stop\s/m, START_MS);
      const left = [...first.children().values()].map(({ pid }) => pid);
      for (const pid of [...first.guards(), first.pid]) process.kill(pid, 'SIGKILL');
      await first.exited;
      expect(first.livingOfLaunch()).toEqual(expect.arrayContaining(left));
      const second = up(dir.path);
      await second.saysWithin(/^Stop\s/m, START_MS);
      expect(second.said()).toMatch(/Ended .*PostgreSQL.*, left by an earlier start/);
      expect(first.livingOfLaunch()).toEqual([]);

      process.kill(second.children().get('Temporal')!.pid, 'SIGKILL');
      await second.endsWith(1);
      expect(second.said()).toContain('Temporal ended by itself (SIGKILL)');
      expect([...second.livingOfLaunch(), ...second.guards()]).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'Ctrl-C during the start ends what has been started so far, with exit 130',
    async () => {
      using dir = tempDir();
      const run = up(dir.path, FIRST_SWARM);
      await run.saysWithin('PostgreSQL on port', START_MS);
      run.kill('SIGINT');
      await run.endsWith(130);
      expect([...run.children().keys(), ...run.livingOfLaunch(), ...run.guards()]).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'Ctrl-C while its gateway hangs in its start does not wait for that start, and ends the gateway, too (P34)',
    async () => {
      using dir = tempDir();
      const run = up(dir.path, FIRST_SWARM);
      const gateway = await eventually(() => run.children().get('OpenClaw gateway local-1'), {
        timeoutMs: START_MS,
        everyMs: 5,
      });
      process.kill(gateway.pid, 'SIGSTOP');
      const interruptedAt = performance.now();
      run.kill('SIGINT');
      await run.endsWith(130);
      expect(performance.now() - interruptedAt).toBeLessThan(40_000);
      expect(run.said()).not.toContain('API docs');
      expect([...run.children().keys(), ...run.livingOfLaunch(), ...run.guards()]).toEqual([]);
    },
    TEST_MS,
  );
});

describe('npm start refuses', () => {
  test(
    'an invalid swarm file with every error, exit 2, before anything is started',
    async () => {
      using dir = tempDir();
      const file = join(dir.path, 'bad.yaml');
      writeFileSync(file, 'name: x\nnodes:\n  - id: a\n    prompt: ""\n    dependsOn: [b]\n');
      const run = up(join(dir.path, 'data'), ['--first-swarm', file, '--once']);
      await run.endsWith(2);
      expect(run.said()).toMatch(/4:5 nodes\[0\]\.prompt[^]*5:17 nodes\[0\]\.dependsOn\[0\]/);
      expect(existsSync(join(dir.path, 'data'))).toBe(false);
    },
    TEST_MS,
  );

  test(
    'a data directory that is none, with a sentence and what to do',
    async () => {
      using dir = tempDir();
      writeFileSync(join(dir.path, 'file'), '');
      const run = up(join(dir.path, 'file', 'data'));
      await run.endsWith(1);
      expect(run.said()).toMatch(/is not a directory[^]*DASH_DATA_DIR/);
    },
    TEST_MS,
  );

  test(
    'a Temporal that does not answer, with what to do, exit 3, and leaves nothing behind',
    async () => {
      using dir = tempDir();
      const run = up(dir.path, [], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
      await run.endsWith(3);
      expect(run.said()).toMatch(
        /127\.0\.0\.1:1 \(namespace default\) does not answer[^]*TEMPORAL_ADDRESS/,
      );
      expect([...run.children().keys(), ...run.livingOfLaunch(), ...run.guards()]).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'a misspelt setting with the one that was meant, exit 2',
    async () => {
      using dir = tempDir();
      const run = up(dir.path, [], { DASH_API_PRT: '1' });
      await run.endsWith(2);
      expect(run.said()).toContain('did you mean DASH_API_PORT?');
    },
    TEST_MS,
  );
});

async function gatewayOf(dataDir: string): Promise<unknown> {
  const { stdout } = await callDashctl(dataDir, ['gateway', 'list', '--json']);
  const { items } = JSON.parse(stdout) as {
    items: { id: string; endpoint: string; createdAt: string }[];
  };
  return items.map(({ id, endpoint, createdAt }) => ({ id, endpoint, createdAt }));
}

/** Until the gateway's own log says that the run of this node's task has begun. */
async function runs(dataDir: string, marker: string): Promise<void> {
  const wire = join(dataDir, 'gateways/local-1/wire.jsonl');
  await eventually(() => readFileSync(wire, 'utf8').includes(`${marker} answer`), {
    timeoutMs: 30_000,
  });
  await eventually(() => WireLog.fromFile(wire).runningNow().length > 0, { timeoutMs: 30_000 });
}

function boots(dataDir: string): number {
  const log = WireLog.fromFile(join(dataDir, 'gateways/local-1/wire.jsonl'));
  return log.entries().filter(({ kind }) => kind === 'boot').length;
}

async function listen(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
