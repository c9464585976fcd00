/**
 * PostgreSQL refuses to start while its `postmaster.pid` names a living process of its own user,
 * whatever that process is: after a kill and a reused pid the cluster would stay closed for ever.
 * This looks who really has the cluster before the server is started.
 */
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../platform/clock.ts';
import { signal } from './process-record.ts';
import { identityOf, isLiving, readProcess } from '../platform/processes.ts';

const END_TIMEOUT_MS = 10_000;

/**
 * Ends a left-over server of this cluster (the caller holds the lock of the data directory, so
 * nobody else may own it), or removes the file that a dead one left.
 */
export async function clearStalePid(options: {
  clusterDir: string;
  clock: Clock;
  say: (line: string) => void;
}): Promise<void> {
  const { clusterDir, clock, say } = options;
  const pidFile = join(clusterDir, 'postmaster.pid');
  const pid = readPid(pidFile);
  if (pid === undefined) return;
  if (!worksIn(pid, clusterDir)) {
    rmSync(pidFile, { force: true });
    return;
  }
  const identity = identityOf(pid);
  if (identity === undefined) return;
  say(
    `A PostgreSQL of an earlier start (pid ${pid}) still runs on ${clusterDir}; it is ended first.`,
  );
  signal(pid, 'SIGINT');
  const deadline = clock.monotonic() + END_TIMEOUT_MS;
  while (isLiving(identity) && clock.monotonic() < deadline) await clock.sleep(50);
  if (isLiving(identity)) signal(pid, 'SIGKILL');
  while (isLiving(identity)) await clock.sleep(50);
  rmSync(pidFile, { force: true });
}

function readPid(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A server works inside its cluster's directory; any other process with the same pid does not. */
function worksIn(pid: number, clusterDir: string): boolean {
  if (readProcess(pid) === undefined) return false;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(clusterDir);
  } catch {
    return false;
  }
}
