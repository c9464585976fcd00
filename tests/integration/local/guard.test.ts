import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { isLiving } from '../../../src/platform/processes.ts';
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

test('an orderly end stops the children and dismisses the guard', async () => {
  using dir = tempDir();
  const launcher = await launch(dir.path);
  launcher.process.kill('SIGTERM');
  const [code] = (await once(launcher.process, 'exit')) as [number];
  expect(code).toBe(0);
  expect(isLiving(launcher.guard)).toBe(false);
  // The helper that left its session is nobody's child any more; only a guard at work would end it.
  expect(launcher.living()).toEqual([launcher.started[4]!.pid]);
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
