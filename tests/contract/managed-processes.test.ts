import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { GatewayProcesses } from '../../cli/up/gateway-processes.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import { connectGateway } from '../../src/gateway/openclaw-connection.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { isLiving, type ProcessIdentity } from '../../src/platform/processes.ts';
import { eventually } from '../support/eventually.ts';
import { silentLog } from '../support/gateway-client.ts';

const clock = systemClock();
const never = new AbortController().signal;
const gateway = {
  id: 'g-1',
  kind: 'managed',
  endpoint: 'ws://127.0.0.1:0',
  lanes: { configured: 4 },
  process: null,
} as unknown as GatewayRecord;

/** Programs in the place of OpenClaw. */
const READY = `
import { createServer } from 'node:http';
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
createServer((request, response) => response.end('{"ready":true,"failing":[],"uptimeMs":1}')).listen(port, '127.0.0.1');
`;
const NEVER_READY = 'setInterval(() => undefined, 1000);';

let dir = '';
let spawned: ProcessIdentity[] = [];
let noted: ProcessIdentity[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dash-processes-'));
  spawned = [];
  noted = [];
});

afterEach(() => {
  for (const one of spawned) if (isLiving(one)) process.kill(one.pid, 'SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

function processesOf(program: string): GatewayProcesses {
  const entryPath = join(dir, 'program.mjs');
  writeFileSync(entryPath, program);
  return new GatewayProcesses({
    dir: join(dir, 'gateways'),
    nodePath: process.execPath,
    entryPath,
    model: { kind: 'stub', baseUrl: 'http://127.0.0.1:9/v1' },
    path: process.env['PATH'] ?? '',
    tmpDir: null,
    marks: {},
    startTimeoutMs: 60_000,
    clock,
    log: silentLog,
    connect: (_id, endpoint, token) =>
      connectGateway({
        endpoint,
        token,
        installation: 'test',
        displayName: 'test',
        clock,
        log: silentLog,
      }),
    say: () => undefined,
    onSpawned(_id, identity) {
      spawned.push(identity);
      noted.push(identity);
    },
    onEnded(_id, identity) {
      noted = noted.filter(({ pid }) => pid !== identity.pid);
    },
  });
}

test('a start that is given up ends its process within seconds, not at the end of its time (P34)', async () => {
  const processes = processesOf(NEVER_READY);
  const interruption = new AbortController();
  const start = processes.ensure(gateway, 'token', interruption.signal);
  await eventually(() => spawned.length === 1);
  const startedAt = clock.monotonic();
  interruption.abort();
  expect(await start).toMatchObject({ kind: 'not-ready' });
  expect(clock.monotonic() - startedAt).toBeLessThan(10_000);
  expect(isLiving(spawned[0]!)).toBe(false);
  expect(noted).toEqual([]);
}, 30_000);

test('the end of all ends a process from the moment of its spawn on, and none is started any more (P34)', async () => {
  const processes = processesOf(NEVER_READY);
  const start = processes.ensure(gateway, 'token', never);
  await eventually(() => spawned.length === 1);
  await processes.stopAll({ graceMs: 2_000 });
  expect(isLiving(spawned[0]!)).toBe(false);
  expect(noted).toEqual([]);
  expect(await start).toMatchObject({ kind: 'not-ready' });
  expect(await processes.ensure(gateway, 'token', never)).toMatchObject({ kind: 'not-ready' });
  expect(spawned).toHaveLength(1);
}, 30_000);

test('the late end of an earlier process does not make its successor forgotten (P37)', async () => {
  const processes = processesOf(READY);
  await processes.ensure(gateway, 'token', never);
  const answered = Promise.withResolvers<{ pid: number; processInstanceId: string }>();
  const connection = {
    state: () => ({ kind: 'open' }),
    systemInfo: () => answered.promise,
    suspendPrepare: async () => ({ suspensionId: null }),
  } as unknown as GatewayConnection;
  const ending = processes.stop(gateway, { connection, boundMs: 1_000 });
  process.kill(spawned[0]!.pid, 'SIGKILL');
  await eventually(() => !isLiving(spawned[0]!));
  await processes.ensure(gateway, 'token', never);
  answered.resolve({ pid: 0, processInstanceId: '' });
  await ending;
  expect(noted).toEqual([spawned[1]]);
  await processes.stopAll({ graceMs: 5_000 });
  expect(isLiving(spawned[1]!)).toBe(false);
}, 30_000);

test('a process whose note cannot be written does not go on without it (P37)', async () => {
  const processes = processesOf(NEVER_READY);
  const refused = new Error('no space left on device');
  const push = noted.push.bind(noted);
  noted.push = (...items) => {
    push(...items);
    throw refused;
  };
  await expect(processes.ensure(gateway, 'token', never)).rejects.toBe(refused);
  await eventually(() => !isLiving(spawned[0]!));
}, 30_000);
