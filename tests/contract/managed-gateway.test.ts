import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { gatewayPaths } from '../../src/gateway/managed/gateway-config.ts';
import {
  findGatewayProcess,
  startGatewayProcess,
  type StartedGateway,
  type StartGatewayOptions,
} from '../../src/gateway/managed/gateway-process.ts';
import { identityOf, isLiving, type ProcessIdentity } from '../../src/platform/processes.ts';
import { stopGateway } from '../../src/gateway/managed/stop-gateway.ts';
import { probeReady } from '../../src/gateway/probe-ready.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { FakeFleet } from '../support/fake-gateway.ts';
import { granted, silentLog } from '../support/gateway-client.ts';

const clock = systemClock();
const fleet = new FakeFleet();
const spawned: ProcessIdentity[] = [];
let dir = '';
let port = 0;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'dash-managed-'));
  ({ port } = await choosePort({ what: 'the gateway', say: () => undefined }));
});

afterEach(async () => {
  await fleet.close();
  for (const identity of spawned.splice(0)) {
    if (isLiving(identity)) process.kill(identity.pid, 'SIGKILL');
  }
  rmSync(dir, { recursive: true, force: true });
});

/** Starts a program in the place of OpenClaw: it gets the same command line, environment and files. */
async function startProgram(
  source: string,
  change: Partial<StartGatewayOptions> = {},
): Promise<StartedGateway> {
  const entryPath = join(dir, 'program.mjs');
  writeFileSync(entryPath, source);
  return startGatewayProcess({
    nodePath: process.execPath,
    entryPath,
    config: {
      dir: join(dir, 'gateway'),
      port,
      token: 'tok',
      model: { kind: 'stub', baseUrl: 'http://127.0.0.1:9/v1' },
      maxConcurrent: null,
      tools: 'minimal',
    },
    environment: { path: process.env['PATH'] ?? '', tmpDir: null, marks: {} },
    detached: true,
    startTimeoutMs: 20_000,
    clock,
    onSpawned: ({ identity }) => spawned.push(identity),
    ...change,
  });
}

const READY = `
import { createServer } from 'node:http';
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
createServer((request, response) => response.end('{"ready":true,"failing":[],"uptimeMs":1}')).listen(port, '127.0.0.1');
`;
const DEAF = `${READY} process.on('SIGTERM', () => undefined);`;

test('a gateway that answers is ready; its identity was told in the tick of its start (P37)', async () => {
  const started = await startProgram(READY);
  expect(started.kind).toBe('ready');
  const [identity] = spawned;
  expect(started.kind === 'ready' && started.process.identity).toEqual(identity);
  expect(await probeReady({ endpoint: `ws://127.0.0.1:${port}`, timeoutMs: 2000 })).toEqual({
    kind: 'ready',
    uptimeMs: 1,
  });
});

test('it is started on loopback with its own files, whatever the environment says (R26)', async () => {
  const started = await startProgram(`
    const given = { argv: process.argv.slice(2), home: process.env.HOME, leak: process.env.JEST_WORKER_ID ?? null };
    console.log('Gateway failed to start: ' + JSON.stringify(given));
    process.exit(78);
  `);
  const words = started.kind === 'failed' ? started.failure.words : '';
  expect(JSON.parse(words.replace('Gateway failed to start: ', ''))).toEqual({
    argv: ['gateway', 'run', '--bind', 'loopback', '--port', String(port)],
    home: join(dir, 'gateway'),
    leak: null,
  });
});

test.each([
  ['configuration', `console.error('Gateway failed to start: Invalid config'); process.exit(78);`],
  [
    'contention',
    `console.error('another OpenClaw process owns gateway-lifecycle'); process.exit(78);`,
  ],
  ['port-busy', `console.error('listen EADDRINUSE: address already in use'); process.exit(1);`],
  ['exited', `process.kill(process.pid, 'SIGKILL');`],
])('%s is told apart before anyone waits for a time-out (P37)', async (kind, source) => {
  const startedAt = performance.now();
  expect(await startProgram(source)).toMatchObject({ kind: 'failed', failure: { kind } });
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test('another gateway that answers on the port is not taken for the one that was started (P37)', async () => {
  const first = await startProgram(READY);
  expect(first.kind).toBe('ready');
  const second = await startProgram(`
    setTimeout(() => {
      console.error('Gateway failed to start: another OpenClaw process owns gateway-lifecycle');
      process.exit(78);
    }, 700);
  `);
  expect(second).toMatchObject({ kind: 'failed', failure: { kind: 'contention' } });
  expect(isLiving(spawned[0]!)).toBe(true);
});

test('a program that is not there is a state with its reason, no exception (R26)', async () => {
  expect(await startProgram(READY, { nodePath: join(dir, 'no-such-node') })).toMatchObject({
    kind: 'failed',
    failure: { kind: 'not-startable', words: expect.stringContaining('ENOENT') },
  });
});

test('a gateway that does not become ready in time is ended, with its last words (R26)', async () => {
  const started = await startProgram(
    `console.log('thinking'); setInterval(() => undefined, 1000);`,
    {
      startTimeoutMs: 1500,
    },
  );
  expect(started).toMatchObject({
    kind: 'failed',
    failure: { kind: 'timeout', words: 'thinking' },
  });
  expect(isLiving(spawned[0]!)).toBe(false);
});

test('it is found again by pid, start time and port, and by nothing less (P37)', async () => {
  await startProgram(READY);
  const identity = spawned[0]!;
  const find = async (change: Partial<ProcessIdentity>, at = port): Promise<unknown> =>
    findGatewayProcess({ identity: { ...identity, ...change }, port: at, detached: true, clock });
  expect(await find({})).toMatchObject({ identity });
  expect(await find({ startTicks: identity.startTicks + 1 })).toBeNull();
  expect(await find({}, port === 1 ? 2 : 1)).toBeNull();
});

test('SIGTERM is enough for a well-behaved gateway, SIGKILL follows for a deaf one, its helpers included (P34)', async () => {
  const good = await startProgram(READY);
  expect(good.kind === 'ready' && (await good.process.end({ graceMs: 10_000 }))).toBe(true);
  const helper = `import { spawn } from 'node:child_process';
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    console.log('helper ' + child.pid);`;
  const deaf = await startProgram(`${helper}\n${DEAF}`);
  expect(deaf.kind === 'ready' && (await deaf.process.end({ graceMs: 300 }))).toBe(false);
  expect(isLiving(spawned[1]!)).toBe(false);
  const output = readFileSync(gatewayPaths(join(dir, 'gateway')).outputPath, 'utf8');
  const helperPid = Number(/helper (\d+)/.exec(output)?.[1]);
  await eventually(() => identityOf(helperPid) === undefined);
});

test('a stop takes the lease, hands the process over, and only then signals (P38)', async () => {
  const fake = await fleet.gateway();
  const connection = await fleet.connected(fake);
  const order: string[] = [];
  const stopped = await stopGateway({
    process: {
      identity: { pid: 0, startTicks: 0, machineBootId: '' },
      endpoint: fake.endpoint,
      isLiving: () => true,
      exited: async () => undefined,
      kill: async () => undefined,
      end: async () => {
        order.push('end');
        return true;
      },
    },
    connection,
    requestId: 'stop-1',
    target: null,
    permit: () => void order.push('permit'),
    graceMs: 1000,
    log: silentLog,
  });
  expect(stopped).toBe(true);
  expect(order).toEqual(['permit', 'permit', 'end']);
  expect(fake.log.requests('gateway.suspend.prepare')).toHaveLength(1);
  expect(fake.log.requests('gateway.suspend.handoff')).toHaveLength(1);
  expect(
    await connection.suspendPrepare({ requestId: 'stop-1', drain: true, permit: granted }),
  ).toMatchObject({ kind: 'ready' });
});
