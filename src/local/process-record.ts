/**
 * A note on disk about each process that Dash started, so that the next start, or the guard, finds
 * and ends what a kill left behind (P37). One file per process, written in the same tick as its
 * start, removed when its end was seen. Guarantee: nothing is ever signalled on a pid alone.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../platform/clock.ts';
import { explainFileError, systemErrorCode } from './local-error.ts';
import { isLiving, markedWith, membersOf, type ProcessInfo } from '../platform/processes.ts';

const recordShape = z.object({
  what: z.string(),
  pid: z.int().positive(),
  startTicks: z.int().nonnegative(),
  machineBootId: z.string(),
  command: z.string(),
  launchId: z.string(),
  stopSignal: z.enum(['SIGTERM', 'SIGINT']),
});

/** `what` is for people ("PostgreSQL"); `stopSignal` asks this program for an orderly end. */
export type ProcessRecord = Readonly<z.infer<typeof recordShape>>;

/** Writes the note, whole or not at all. Synchronous, so that no kill falls between start and note by our doing. */
export function writeRecord(recordsDir: string, record: ProcessRecord): void {
  const path = recordPath(recordsDir, record);
  try {
    mkdirSync(recordsDir, { recursive: true });
    writeFileSync(`${path}.part`, JSON.stringify(record));
    renameSync(`${path}.part`, path);
  } catch (error) {
    throw explainFileError(error, recordsDir);
  }
}

/** Removes the note of a process whose end was seen. */
export function removeRecord(recordsDir: string, record: ProcessRecord): void {
  rmSync(recordPath(recordsDir, record), { force: true });
}

/** All notes; one that cannot be read (a disk that filled up, another version) is not evidence and is passed over. */
export function readRecords(recordsDir: string): ProcessRecord[] {
  return recordFiles(recordsDir)
    .map((name) => parseRecord(join(recordsDir, name)))
    .filter((record) => record !== undefined);
}

/** The recorded processes that still live, by pid and start time (P37). */
export function findLiving(recordsDir: string): ProcessRecord[] {
  return readRecords(recordsDir).filter((record) => isLiving(record));
}

/** How an ending went: what was found living, and what resisted SIGKILL (normally nothing). */
export interface EndedProcesses {
  readonly ended: readonly ProcessRecord[];
  readonly survivors: readonly number[];
}

/**
 * Ends what is recorded, with its helpers: each leader is asked by its own signal, after `graceMs`
 * everything left gets SIGKILL. `launchIds` adds the unrecorded processes that carry the mark of
 * these launches. A note whose process is gone, or whose pid belongs to another process now, is
 * only removed (P37). Returns when all are gone or `graceMs` + 3 s have passed.
 */
export async function endRecorded(options: {
  recordsDir: string;
  launchIds?: readonly string[];
  graceMs: number;
  clock: Clock;
}): Promise<EndedProcesses> {
  const { recordsDir, graceMs, clock } = options;
  const records = readRecords(recordsDir);
  const launchIds = options.launchIds ?? [];
  const remaining = (): ProcessInfo[] =>
    distinct([
      ...records.flatMap((record) => membersOf(record)),
      ...launchIds.flatMap((id) => markedWith(id)),
    ]);
  const ended = records.filter((record) => membersOf(record).length > 0);

  for (const record of ended) if (isLiving(record)) signal(record.pid, record.stopSignal);
  const led = new Set(ended.map((record) => record.pid));
  for (const { pid, session } of remaining()) {
    if (!led.has(pid) && !led.has(session)) signal(pid, 'SIGTERM');
  }
  await untilNone(remaining, graceMs, clock);
  await killUntilNone(remaining, 3_000, clock);

  for (const record of records) {
    if (membersOf(record).length === 0) removeRecord(recordsDir, record);
  }
  return { ended, survivors: remaining().map(({ pid }) => pid) };
}

/** Signals one process; one that ended meanwhile is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Sends SIGKILL to what remains until nothing does or the time is over. Again and again: a shell may
 * start its next command between the death of one helper and its own.
 */
export async function killUntilNone(
  remaining: () => readonly ProcessInfo[],
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  for (let left = remaining(); left.length > 0; left = remaining()) {
    for (const { pid } of left) signal(pid, 'SIGKILL');
    if (clock.monotonic() >= deadline) return;
    await clock.sleep(20);
  }
}

async function untilNone(
  remaining: () => readonly ProcessInfo[],
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const deadline = clock.monotonic() + timeoutMs;
  while (remaining().length > 0 && clock.monotonic() < deadline) await clock.sleep(50);
}

function distinct(processes: readonly ProcessInfo[]): ProcessInfo[] {
  return [...new Map(processes.map((info) => [info.pid, info])).values()].filter(
    ({ pid }) => pid !== process.pid,
  );
}

function recordPath(recordsDir: string, record: ProcessRecord): string {
  return join(recordsDir, `${record.pid}-${record.startTicks}.json`);
}

function recordFiles(recordsDir: string): string[] {
  try {
    return readdirSync(recordsDir).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw explainFileError(error, recordsDir);
  }
}

function parseRecord(path: string): ProcessRecord | undefined {
  try {
    return recordShape.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
