/**
 * Who is who among the processes of this machine. A pid alone proves nothing, it is given out again;
 * pid + start time + boot name one process for ever (P37). Linux only: read from /proc.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** One process, for ever: `startTicks` counts clock ticks from the boot of the machine that `machineBootId` names. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly machineBootId: string;
}

/** A line of the process table. A zombie has ended already; nobody has collected it yet. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly isZombie: boolean;
  readonly processGroup: number;
  readonly session: number;
  readonly startTicks: number;
}

/** Name of the environment variable that every process started by one launch of Dash inherits. */
export const LAUNCH_MARK = 'DASH_LAUNCH_ID';

/** Reads one process, zombies included; undefined when there is none with this pid. */
export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name (second field) may hold blanks and parentheses: the fields are counted after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parent: Number(fields[1]),
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
    processGroup: Number(fields[2]),
    session: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

/** Every process that has not ended, of all users. */
export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((info) => info !== undefined)
    .filter((info) => !info.isZombie);
}

/** The identity of a living process, or undefined when it has ended. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const info = readProcess(pid);
  const machineBootId = currentMachineBootId();
  if (info === undefined || info.isZombie || machineBootId === undefined) return undefined;
  return { pid, startTicks: info.startTicks, machineBootId };
}

/** True only when exactly this process still lives: another one with the same pid does not count (P37). */
export function isLiving(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now?.startTicks === identity.startTicks && now.machineBootId === identity.machineBootId;
}

/**
 * The living processes that belong to `identity`: itself, and those of the session it leads (its
 * helpers stay there when it dies first). When the pid was given out again, none.
 */
export function membersOf(identity: ProcessIdentity): ProcessInfo[] {
  if (identity.machineBootId !== currentMachineBootId()) return [];
  const leader = readProcess(identity.pid);
  if (leader !== undefined && leader.startTicks !== identity.startTicks) return [];
  return listProcesses().filter(
    (info) =>
      info.startTicks >= identity.startTicks &&
      (info.pid === identity.pid || info.session === identity.pid),
  );
}

/** The living children of a process of ours, their children, and so on; it itself is not among them. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = listProcesses();
  const below = (parent: number): ProcessInfo[] =>
    all.filter((info) => info.parent === parent).flatMap((info) => [info, ...below(info.pid)]);
  return below(pid);
}

/** The living processes that inherited the mark of this launch, wherever they moved since. */
export function markedWith(launchId: string): ProcessInfo[] {
  const wanted = `${LAUNCH_MARK}=${launchId}`;
  return listProcesses().filter((info) => {
    const environment = readProcFile(`/proc/${info.pid}/environ`);
    return environment?.split('\0').includes(wanted) ?? false;
  });
}

/** Names the current boot of the machine; undefined where there is no /proc to tell processes apart by. */
export function currentMachineBootId(): string | undefined {
  return readProcFile('/proc/sys/kernel/random/boot_id')?.trim();
}

/** A process may end between any two looks, and those of other users hide: both read as absent. */
function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
