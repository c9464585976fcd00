import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  endRecorded,
  findLiving,
  writeRecord,
  type ProcessRecord,
} from '../../../src/local/process-record.ts';
import {
  descendantsOf,
  identityOf,
  isLiving,
  LAUNCH_MARK,
  listProcesses,
  markedWith,
  readProcess,
} from '../../../src/platform/processes.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';

const clock = systemClock();
const pids: number[] = [];

/** A shell in a session of its own, as every child of Dash. */
function shell(script: string, env: NodeJS.ProcessEnv = {}): ProcessRecord {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], ...env },
  });
  const identity = identityOf(child.pid!);
  pids.push(child.pid!);
  return {
    ...identity!,
    what: 'a test program',
    command: '/bin/sh',
    launchId: 'none',
    stopSignal: 'SIGTERM',
  };
}

afterEach(() => {
  for (const pid of pids.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Ended as it should have.
    }
  }
});

test('a process whose pid was given out again is not ended, its note is dropped (P37)', async () => {
  using dir = tempDir();
  const innocent = shell('sleep 300');
  writeRecord(dir.path, { ...innocent, startTicks: innocent.startTicks - 1 });
  expect(findLiving(dir.path)).toEqual([]);
  expect(await endRecorded({ recordsDir: dir.path, graceMs: 500, clock })).toEqual({
    ended: [],
    survivors: [],
  });
  expect(isLiving(innocent)).toBe(true);
  expect(readdirSync(dir.path)).toEqual([]);
});

test('a note of an earlier boot ends nothing, even when pid and start time match (P37)', async () => {
  using dir = tempDir();
  const innocent = shell('sleep 300');
  writeRecord(dir.path, { ...innocent, machineBootId: 'an earlier one' });
  await endRecorded({ recordsDir: dir.path, graceMs: 500, clock });
  expect(isLiving(innocent)).toBe(true);
});

test('a recorded process is ended with the helpers in its session, the stubborn by SIGKILL (P37)', async () => {
  using dir = tempDir();
  const stubborn = shell('trap "" TERM; sleep 300 & sleep 300 & wait; sleep 300');
  writeRecord(dir.path, stubborn);
  await eventually(() => descendantsOf(stubborn.pid).length === 2);
  const helpers = descendantsOf(stubborn.pid).map(({ pid }) => identityOf(pid)!);
  const { ended, survivors } = await endRecorded({ recordsDir: dir.path, graceMs: 300, clock });
  expect(ended).toEqual([stubborn]);
  expect(survivors).toEqual([]);
  expect([stubborn, ...helpers].filter((one) => isLiving(one))).toEqual([]);
  expect(readdirSync(dir.path)).toEqual([]);
});

test('a program that starts a helper for each one that dies is ended all the same (P37)', async () => {
  using dir = tempDir();
  // One sweep of SIGKILL may miss the helper that is started between two of its kills.
  const busy = shell('trap "" TERM; while :; do (trap "" TERM; sleep 300) & wait $!; done');
  writeRecord(dir.path, busy);
  await eventually(() => descendantsOf(busy.pid).length > 0);
  const { survivors } = await endRecorded({ recordsDir: dir.path, graceMs: 100, clock });
  expect(survivors).toEqual([]);
  expect(listProcesses().filter(({ session }) => session === busy.pid)).toEqual([]);
});

test('helpers are ended when the recorded process itself died first (P37)', async () => {
  using dir = tempDir();
  const leader = shell('sleep 300 & wait');
  writeRecord(dir.path, leader);
  await eventually(() => descendantsOf(leader.pid).length === 1);
  const helper = identityOf(descendantsOf(leader.pid)[0]!.pid)!;
  process.kill(leader.pid, 'SIGKILL');
  await eventually(() => !isLiving(leader));
  expect(isLiving(helper)).toBe(true);
  await endRecorded({ recordsDir: dir.path, graceMs: 300, clock });
  expect(isLiving(helper)).toBe(false);
});

test('an unrecorded process is ended by the mark of its launch, and no other', async () => {
  using dir = tempDir();
  const ours = shell('exec sleep 300', { [LAUNCH_MARK]: 'test-launch-7' });
  const others = shell('exec sleep 300', { [LAUNCH_MARK]: 'test-launch-77' });
  await eventually(() => markedWith('test-launch-7').length === 1);
  await endRecorded({ recordsDir: dir.path, launchIds: ['test-launch-7'], graceMs: 500, clock });
  expect([isLiving(ours), isLiving(others)]).toEqual([false, true]);
});

test('a note that cannot be read hides no other one', async () => {
  using dir = tempDir();
  writeFileSync(join(dir.path, '1-1.json'), '{"pid":');
  const living = shell('sleep 300');
  writeRecord(dir.path, living);
  expect(findLiving(dir.path)).toEqual([living]);
});

test('the name of a program cannot forge its line in the process table', async () => {
  using dir = tempDir();
  const name = join(dir.path, 'a) Z 1 1 (b');
  writeFileSync(name, '#!/bin/sh\nsleep 300\n', { mode: 0o755 });
  const child = spawn(name, [], { detached: true, stdio: 'ignore' });
  pids.push(child.pid!);
  await eventually(() => readProcess(child.pid!)?.session === child.pid);
  expect(readProcess(child.pid!)).toMatchObject({ isZombie: false, parent: process.pid });
});
