import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../../src/local/child.ts';
import { startGuard } from '../../../src/local/guard.ts';
import { readRecords } from '../../../src/local/process-record.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { isLiving, LAUNCH_MARK } from '../../../src/platform/processes.ts';
import { eventually } from '../../support/eventually.ts';
import { startSmallLauncher, sweep, type SmallLauncher } from '../../support/small-launcher.ts';
import { tempDir } from '../../support/temp-dir.ts';

const launchers: SmallLauncher[] = [];
async function launch(dataDir: string): Promise<SmallLauncher> {
  const launcher = await startSmallLauncher(dataDir);
  launchers.push(launcher);
  return launcher;
}

afterEach(() => {
  for (const launcher of launchers.splice(0)) sweep(launcher);
});

test('after SIGKILL of the launcher no child, and no helper of a child, survives 10 s (P37)', async () => {
  using dir = tempDir();
  const launcher = await launch(dir.path);
  expect(launcher.living()).toHaveLength(5);
  launcher.process.kill('SIGKILL');
  await eventually(() => launcher.living().length === 0, { timeoutMs: 10_000 });
  await eventually(() => !isLiving(launcher.guard), {
    what: 'the end of the guard',
  });
}, 20_000);

test('what a terminal sends to everyone does not end the guard before its work (P37)', async () => {
  using dir = tempDir();
  const launcher = await launch(dir.path);
  const { guard } = launcher;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(guard.pid, name);
  launcher.process.kill('SIGKILL');
  await eventually(() => launcher.living().length === 0, { timeoutMs: 10_000 });
}, 20_000);

test('an orderly end stops the children; a helper that left its session is ended by the guard before it goes (P37)', async () => {
  using dir = tempDir();
  const launcher = await launch(dir.path);
  launcher.process.kill('SIGTERM');
  const [code] = (await once(launcher.process, 'exit')) as [number];
  expect(code).toBe(0);
  expect(isLiving(launcher.guard)).toBe(false);
  expect(launcher.living()).toEqual([]);
}, 20_000);

test('a dismissed guard touches nothing that its launch did not start (P37)', async () => {
  using dir = tempDir();
  const home = { recordsDir: join(dir.path, 'processes'), launchId: 'guard-test-1' };
  const logFile = join(dir.path, 'guard.log');
  const env = { PATH: process.env['PATH'] };
  const other = spawn('sleep', ['300'], { env: { ...env, [LAUNCH_MARK]: 'guard-test-11' } });
  const guard = await startGuard({ home, logFile, env });
  await guard.dismiss();
  expect(readFileSync(logFile, 'utf8')).toBe('');
  expect(other.exitCode).toBeNull();
  expect(other.kill()).toBe(true);
}, 20_000);

test('a guard that is dismissed too early ends first what is recorded and lives (P37)', async () => {
  using dir = tempDir();
  const home = { recordsDir: join(dir.path, 'processes'), launchId: 'guard-test-2' };
  const env = { PATH: process.env['PATH'] };
  const guard = await startGuard({ home, logFile: join(dir.path, 'guard.log'), env });
  const child = await startChild({
    what: 'a late program',
    command: 'sleep',
    args: ['300'],
    env,
    logFile: join(dir.path, 'child.log'),
    home,
    clock: systemClock(),
  });
  await guard.dismiss();
  expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
  expect(readRecords(home.recordsDir)).toEqual([]);
}, 20_000);

test('when the guard was killed too, the next start ends what is left before it starts anything (P37)', async () => {
  using dir = tempDir();
  const first = await launch(dir.path);
  process.kill(first.guard.pid, 'SIGKILL');
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  expect(first.living()).toHaveLength(5);
  const second = await launch(dir.path);
  expect(first.living()).toEqual([]);
  expect(second.living()).toHaveLength(5);
}, 20_000);
