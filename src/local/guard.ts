/**
 * The guard: a small process of its own that holds one end of a pipe. While the launcher lives,
 * nothing happens. When the pipe breaks (the launcher was killed, even with SIGKILL) the guard ends
 * every recorded process within ten seconds, then itself. A normal end of the launcher, which leaves
 * nothing, dismisses it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAUNCH_MARK, markedWith, membersOf } from '../platform/processes.ts';
import type { ProcessHome } from './child.ts';
import { explainFileError, LocalError } from './local-error.ts';
import { readRecords } from './process-record.ts';

export interface Guard {
  readonly pid: number;
  /**
   * Call it after the children have ended: then the guard goes home. It ends first what still lives of this launch,
   * and resolves when that is done.
   */
  dismiss(): Promise<void>;
}

/** What the launcher writes when it ends in order; anything else that ends the pipe is a death. */
export const DISMISSED = 'dismissed\n';

/** Starts the guard over the processes recorded in `home`. Out of reach of the terminal's Ctrl-C. */
export async function startGuard(options: {
  home: ProcessHome;
  logFile: string;
  env: NodeJS.ProcessEnv;
}): Promise<Guard> {
  const { home, logFile } = options;
  const log = openLog(logFile);
  const { [LAUNCH_MARK]: _ownMark, ...env } = options.env;
  const child = spawn(process.execPath, [programPath(), home.recordsDir, home.launchId], {
    detached: true,
    stdio: ['pipe', 'pipe', log],
    cwd: '/',
    env,
  });
  closeSync(log);
  const { pid, stdin: pipe, stdout } = child;
  if (pid === undefined || pipe === null || stdout === null) {
    const [cause] = (await once(child, 'error')) as [unknown];
    throw notStarted(`could not be started (${String(cause)})`, cause);
  }
  // A guard that is gone is noticed by the next start, which finds the records; it is no reason to end.
  pipe.on('error', () => undefined);
  const ended = once(child, 'exit').then(() => undefined);
  // Only a guard that is up ignores what ends other programs: nothing is started before.
  const greeting: unknown = await Promise.race([once(stdout, 'data'), ended]);
  if (greeting === undefined) throw notStarted(`ended at once; why is at the end of ${logFile}`);
  stdout.destroy();
  child.unref();
  // The pipe is a socket for Node: it must not keep an otherwise finished launcher alive either.
  if (pipe instanceof Socket) pipe.unref();
  return {
    pid,
    async dismiss() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      if (isAnyLeft(home)) pipe.end();
      else pipe.end(DISMISSED);
      await ended;
    },
  };
}

function isAnyLeft({ recordsDir, launchId }: ProcessHome): boolean {
  const recorded = readRecords(recordsDir).some((record) => membersOf(record).length > 0);
  return recorded || markedWith(launchId).length > 0;
}

function notStarted(how: string, cause?: unknown): LocalError {
  return new LocalError({
    code: 'child-start-failed',
    happened: `The guard process ${how}.`,
    toDo: 'Remove the cause (too little memory, too many processes of this user) and run the command again.',
    cause,
  });
}

function openLog(logFile: string): number {
  try {
    mkdirSync(dirname(logFile), { recursive: true });
    return openSync(logFile, 'a', 0o600);
  } catch (error) {
    throw explainFileError(error, dirname(logFile));
  }
}

/** Beside this file, with its extension: TypeScript in the source tree, JavaScript in a build. */
function programPath(): string {
  const self = fileURLToPath(import.meta.url);
  return `${dirname(self)}/guard-main${extname(self)}`;
}
