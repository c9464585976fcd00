/**
 * A launcher in small, to be killed by tests: takes a data directory, ends left-overs, starts a guard
 * and three children, says on one line of JSON what it started, and ends in order on SIGTERM.
 *
 *   node small-launcher.ts <data directory>
 */
import { join } from 'node:path';
import { startChild } from '../../../src/local/child.ts';
import { openDataDir } from '../../../src/local/data-dir.ts';
import { startGuard } from '../../../src/local/guard.ts';
import { endLeftOvers } from '../../../src/local/left-overs.ts';
import { silentProgress } from '../../../src/local/progress.ts';
import { systemClock } from '../../../src/platform/clock.ts';

/** The children: one that obeys SIGTERM, one that does not, one whose helper leaves its session. */
const SCRIPTS = {
  obedient: 'exec sleep 300',
  stubborn: 'trap "" TERM INT; sleep 300 & echo helper $!; wait; sleep 300',
  parting: 'setsid sleep 300 & echo helper $!; exec sleep 300',
};

const [path = ''] = process.argv.slice(2);
const clock = systemClock();
const env = { PATH: process.env['PATH'] };

try {
  const dataDir = await openDataDir({ path });
  const { home } = dataDir;
  await endLeftOvers({ dataDir, clock, progress: silentProgress() });
  const guard = await startGuard({ home, logFile: join(path, 'guard.log'), env });
  const children = await Promise.all(
    Object.entries(SCRIPTS).map(([what, script]) =>
      startChild({
        what,
        command: '/bin/sh',
        args: ['-c', script],
        env,
        logFile: join(path, `${what}.log`),
        home,
        clock,
      }),
    ),
  );
  const helpers: number[] = [];
  while (helpers.length < 2) {
    await clock.sleep(20);
    helpers.splice(
      0,
      2,
      ...children.flatMap(
        (child) => /helper (\d+)/.exec(child.logTail())?.slice(1).map(Number) ?? [],
      ),
    );
  }
  dataDir.announce('http://127.0.0.1:7777');
  const started = { guard: guard.pid, children: children.map(({ pid }) => pid), helpers };
  const asked = new Promise((resolve) => process.once('SIGTERM', resolve));
  process.stdout.write(`${JSON.stringify(started)}\n`);
  const idle = setInterval(() => undefined, 1_000);
  await asked;
  clearInterval(idle);
  await Promise.all(children.map((child) => child.stop({ graceMs: 300 })));
  await guard.dismiss();
  await dataDir.release();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
}
