/**
 * The program of the guard (see guard.ts). Arguments: the directory of the process records and the
 * mark of the launch. It must outlive its launcher, so it ignores what a terminal or a service
 * manager sends to everyone; only the pipe decides.
 */
import { systemClock } from '../platform/clock.ts';
import { DISMISSED } from './guard.ts';
import { endRecorded } from './process-record.ts';

/** Asked politely for this long, then SIGKILL: all is gone well within the promised ten seconds. */
const GRACE_MS = 3_000;

const [recordsDir, launchId] = process.argv.slice(2);
if (recordsDir === undefined || launchId === undefined) {
  process.stderr.write('This program is started by Dash itself, with two arguments.\n');
  process.exit(2);
}
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);

process.stdout.on('error', () => undefined).write('ready\n');

let heard = '';
try {
  for await (const piece of process.stdin.setEncoding('utf8')) heard += String(piece);
} catch {
  // A broken pipe is the launcher's death, like its end.
}

if (heard !== DISMISSED) {
  const clock = systemClock();
  const { ended, survivors } = await endRecorded({
    recordsDir,
    launchIds: [launchId],
    graceMs: GRACE_MS,
    clock,
  });
  const names = ended.map(({ what, pid }) => `${what} (${pid})`).join(', ') || 'nothing recorded';
  process.stderr.write(
    `${new Date(clock.now()).toISOString()} the launcher is gone, or left these; ended: ${names}; left: ${survivors.join(', ') || 'none'}\n`,
  );
}
