/**
 * A long-lived program beside Dash (PostgreSQL, Temporal, a gateway): recorded the moment it starts,
 * its output in a log file, out of reach of the terminal's Ctrl-C so that the launcher decides the
 * order of ends, and stopped within a bound.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../platform/clock.ts';
import { explainFileError, LocalError, systemErrorCode } from './local-error.ts';
import {
  killUntilNone,
  removeRecord,
  signal,
  writeRecord,
  type ProcessRecord,
} from './process-record.ts';
import { identityOf, LAUNCH_MARK, membersOf } from '../platform/processes.ts';

/** Where a launch keeps the notes about its processes, and the mark they all inherit. */
export interface ProcessHome {
  readonly recordsDir: string;
  readonly launchId: string;
}

/** How a child ended; exactly one of the two is set. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly what: string;
  /** Resolves when the program has ended, for whatever reason; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Asks for an orderly end; after `graceMs` the program and its helpers get SIGKILL. Idempotent. */
  stop(options?: { graceMs?: number }): Promise<void>;
  /** The last lines of what this child wrote, for error messages. */
  logTail(lines?: number): string;
}

const LOG_LIMIT_BYTES = 8 * 1024 * 1024;
const KILL_TIMEOUT_MS = 3_000;

/** Starts and records a child. Throws a LocalError when the program cannot be executed or its log not be written. */
export async function startChild(options: {
  what: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  home: ProcessHome;
  clock: Clock;
  cwd?: string;
  /** Run as another user (root only). */
  account?: { uid: number; gid: number };
  stopSignal?: 'SIGTERM' | 'SIGINT';
}): Promise<Child> {
  const { what, command, home, logFile } = options;
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const log = openLog(logFile);
  let child: ChildProcess;
  try {
    child = spawn(command, [...options.args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...options.env, [LAUNCH_MARK]: home.launchId },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...options.account,
    });
  } finally {
    closeSync(log.fd);
  }
  const record = recordStart({ child, what, command, home, stopSignal });
  if (record === undefined) throw await startFailure(child, what, command);

  const exited = once(child, 'exit').then(([code, signalName]): ChildExit => {
    if (membersOf(record).length === 0) removeRecord(home.recordsDir, record);
    return { code: code as number | null, signal: signalName as NodeJS.Signals | null };
  });
  // The launcher stays up for its own reasons; a forgotten child must not keep it alive.
  child.unref();
  return {
    pid: record.pid,
    what,
    exited,
    stop: ({ graceMs = 10_000 } = {}) =>
      stopChild({ child, record, exited, graceMs, home, clock: options.clock }),
    logTail: (lines = 15) => tail(logFile, log.offset, lines),
  };
}

function recordStart(options: {
  child: ChildProcess;
  what: string;
  command: string;
  home: ProcessHome;
  stopSignal: 'SIGTERM' | 'SIGINT';
}): ProcessRecord | undefined {
  const { child, what, command, home, stopSignal } = options;
  if (child.pid === undefined) return undefined;
  // A program that has ended already is a zombie of ours until Node collects it, so its line is there.
  const identity = identityOf(child.pid);
  const record: ProcessRecord = {
    what,
    command,
    stopSignal,
    launchId: home.launchId,
    ...(identity ?? { pid: child.pid, startTicks: 0, machineBootId: '' }),
  };
  if (identity !== undefined) {
    try {
      writeRecord(home.recordsDir, record);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }
  return record;
}

async function startFailure(
  child: ChildProcess,
  what: string,
  command: string,
): Promise<LocalError> {
  const [cause] = (await once(child, 'error')) as [unknown];
  return new LocalError({
    code: 'child-start-failed',
    happened: `${what} could not be started: ${command} cannot be executed (${systemErrorCode(cause) ?? String(cause)}).`,
    toDo: 'Check that the file exists, may be executed by this user and was made for this machine; removing it makes the next start fetch it again.',
    cause,
  });
}

async function stopChild(options: {
  child: ChildProcess;
  record: ProcessRecord;
  exited: Promise<ChildExit>;
  graceMs: number;
  home: ProcessHome;
  clock: Clock;
}): Promise<void> {
  const { child, record, exited, graceMs, home, clock } = options;
  child.ref();
  const gaveUp = new AbortController();
  if (child.exitCode === null && child.signalCode === null) signal(record.pid, record.stopSignal);
  // Runs when the grace is over, and at once when the program has ended: helpers it left behind go too.
  const kill = clock
    .sleep(graceMs, gaveUp.signal)
    .then(() => killUntilNone(() => membersOf(record), KILL_TIMEOUT_MS, clock));
  await exited;
  gaveUp.abort();
  await kill;
  removeRecord(home.recordsDir, record);
}

/** Opens the log for appending; a large one of earlier starts is kept once, as `<name>.1`. */
function openLog(logFile: string): { fd: number; offset: number } {
  try {
    mkdirSync(dirname(logFile), { recursive: true });
    if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) {
      renameSync(logFile, `${logFile}.1`);
    }
    const fd = openSync(logFile, 'a', 0o600);
    return { fd, offset: statSync(logFile).size };
  } catch (error) {
    throw explainFileError(error, dirname(logFile));
  }
}

function tail(logFile: string, offset: number, lines: number): string {
  try {
    const text = readFileSync(logFile).subarray(offset).toString('utf8').trimEnd();
    return text.split('\n').slice(-lines).join('\n');
  } catch {
    return `(the log ${basename(logFile)} cannot be read)`;
  }
}
