/**
 * The first act of a start: what an earlier launch left behind after a kill (gateways, PostgreSQL,
 * Temporal, their helpers) is found by recorded pid + start time and ended before anything is
 * started in its place (P37).
 */
import type { Clock } from '../platform/clock.ts';
import type { DataDir } from './data-dir.ts';
import { LocalError } from './local-error.ts';
import { endRecorded, findLiving } from './process-record.ts';
import type { Progress } from './progress.ts';

/** Asked politely for this long; what does not end by then gets SIGKILL. */
const GRACE_MS = 3_000;

/** Ends the left-overs of earlier launches on this data directory and says which. Throws when one survives SIGKILL. */
export async function endLeftOvers(options: {
  dataDir: Pick<DataDir, 'home' | 'previousLaunchId'>;
  clock: Clock;
  progress: Progress;
}): Promise<void> {
  const { home, previousLaunchId } = options.dataDir;
  const found = findLiving(home.recordsDir);
  const names = found.map(({ what, pid }) => `${what} (pid ${pid})`).join(', ');
  const step =
    found.length === 0
      ? undefined
      : options.progress.step(`Ending ${names}, left by an earlier start`);
  const { survivors } = await endRecorded({
    recordsDir: home.recordsDir,
    launchIds: previousLaunchId === undefined ? [] : [previousLaunchId],
    graceMs: GRACE_MS,
    clock: options.clock,
  });
  if (survivors.length === 0) {
    step?.done(`Ended ${names}, left by an earlier start`);
    return;
  }
  step?.fail(`Could not end ${names}`);
  throw new LocalError({
    code: 'child-start-failed',
    happened: `Processes of an earlier start do not end, even with SIGKILL: ${survivors.join(', ')}.`,
    toDo: 'They wait for the disk or another device: look at them with "ps", or restart the machine, then run the command again.',
  });
}
