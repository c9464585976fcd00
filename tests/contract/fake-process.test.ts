import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { WireLog } from '../../src/gateway/fake-gateway/wire-log.ts';
import { eventually } from '../support/eventually.ts';
import { FakeFleet } from '../support/fake-gateway.ts';
import { send, sessionOf } from '../support/gateway-client.ts';

const program = join(import.meta.dirname, '../../src/gateway/fake-gateway/main.ts');
const fleet = new FakeFleet();
const children: ChildProcess[] = [];
let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dash-fake-'));
});

afterEach(async () => {
  await fleet.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly endpoint: string;
  readonly token: string;
  readonly port: number;
}

async function start(port = 0): Promise<Started> {
  const args = ['--token', 'tok', '--port', String(port), '--recovery-delay-ms', '20'];
  const files = ['--state-file', join(dir, 'state'), '--wire-log', join(dir, 'wire')];
  const child = spawn(process.execPath, [program, ...args, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { endpoint, port: taken } = JSON.parse(line) as { endpoint: string; port: number };
  return { child, endpoint, token: 'tok', port: taken };
}

test('SIGKILL is a crash: state and witness survive in files, the turn is resumed under a new run id (R26)', async () => {
  const first = await start();
  const connection = await fleet.connected(first);
  await send(connection, 'killed', '[[sleep:400]] [[say:again]]');
  await eventually(async () => {
    const seen = await connection.look({ sessionKey: sessionOf('killed'), runIds: ['killed-a1'] });
    return seen.kind === 'seen' && seen.own[0]?.userRow;
  });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await start(first.port);
  await connection.whenOpen({ timeoutMs: 10_000 });
  const look = await eventually(async () => {
    const seen = await connection.look({ sessionKey: sessionOf('killed'), runIds: ['killed-a1'] });
    return seen.kind === 'seen' && seen.recoveries[0]?.answer ? seen : undefined;
  });
  expect(look.own[0]).toMatchObject({ userRow: true, endedByRestart: true, answer: null });
  expect(look.recoveries[0]?.answer?.text).toBe('again');
  second.child.kill('SIGTERM');
  const [code] = (await once(second.child, 'exit')) as [number];
  expect(code).toBe(0);

  const witness = WireLog.fromFile(join(dir, 'wire'));
  expect(witness.runsStarted('killed').map(({ runId, resumes }) => resumes ?? runId)).toEqual([
    'killed-a1',
    'killed-a1',
  ]);
  expect(witness.answers('killed')).toHaveLength(1);
  expect(witness.maxOverlap(sessionOf('killed'))).toBe(1);
}, 60_000);
