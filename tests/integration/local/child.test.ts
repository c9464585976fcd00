import { expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild, type Child } from '../../../src/local/child.ts';
import { findLiving, readRecords } from '../../../src/local/process-record.ts';
import {
  descendantsOf,
  identityOf,
  isLiving,
  readProcess,
} from '../../../src/platform/processes.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';

function shell(dir: string, script: string): Promise<Child> {
  return startChild({
    what: 'a test program',
    command: '/bin/sh',
    args: ['-c', script],
    env: { PATH: process.env['PATH'] },
    logFile: join(dir, 'log', 'program.log'),
    home: { recordsDir: join(dir, 'processes'), launchId: 'test' },
    clock: systemClock(),
  });
}

test('a child is on record from its start to its end (P37)', async () => {
  using dir = tempDir();
  const recordsDir = join(dir.path, 'processes');
  const child = await shell(dir.path, 'exec sleep 300');
  expect(findLiving(recordsDir)).toMatchObject([{ pid: child.pid, what: 'a test program' }]);
  await child.stop();
  expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
  expect(readRecords(recordsDir)).toEqual([]);
});

test('a child leads a session of its own, out of reach of the Ctrl-C of a terminal', async () => {
  using dir = tempDir();
  const child = await shell(dir.path, 'exec sleep 300');
  expect(readProcess(child.pid)).toMatchObject({ session: child.pid, processGroup: child.pid });
  await child.stop();
});

test('a child that ends by itself leaves no record', async () => {
  using dir = tempDir();
  const child = await shell(dir.path, 'exit 7');
  expect(await child.exited).toEqual({ code: 7, signal: null });
  await eventually(() => readRecords(join(dir.path, 'processes')).length === 0);
  await child.stop();
});

test('stop is bounded: after its grace the child and its helpers are killed', async () => {
  using dir = tempDir();
  const child = await shell(dir.path, 'trap "" TERM; sleep 300 & wait; sleep 300');
  await eventually(() => descendantsOf(child.pid).length === 1);
  const helper = identityOf(descendantsOf(child.pid)[0]!.pid)!;
  await Promise.all([child.stop({ graceMs: 200 }), child.stop({ graceMs: 200 })]);
  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await eventually(() => !isLiving(helper));
});

test('helpers that an obedient child leaves behind go with it', async () => {
  using dir = tempDir();
  const child = await shell(dir.path, 'sleep 300 & wait');
  await eventually(() => descendantsOf(child.pid).length === 1);
  const helper = identityOf(descendantsOf(child.pid)[0]!.pid)!;
  await child.stop();
  await eventually(() => !isLiving(helper));
});

test('the end of the log is that of this start, for error messages', async () => {
  using dir = tempDir();
  await (
    await shell(dir.path, 'echo before')
  ).exited;
  const child = await shell(dir.path, 'echo one; echo two >&2; echo three');
  await child.exited;
  expect(child.logTail()).toBe('one\ntwo\nthree');
  expect(child.logTail(1)).toBe('three');
});

test('a program that cannot be executed is a sentence with what to do', async () => {
  using dir = tempDir();
  const command = join(dir.path, 'not-executable');
  writeFileSync(command, 'x');
  await expect(
    startChild({
      what: 'Temporal',
      command,
      args: [],
      env: {},
      logFile: join(dir.path, 'log'),
      home: { recordsDir: dir.path, launchId: 'test' },
      clock: systemClock(),
    }),
  ).rejects.toMatchObject({
    code: 'child-start-failed',
    message: expect.stringMatching(/Temporal could not be started.*EACCES.*fetch it again/),
  });
});
