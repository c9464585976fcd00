import { readFileSync } from 'node:fs';

/**
 * One process for ever: a pid alone is given out again, pid, start time and boot of the machine are not (P37).
 * Read from /proc, so on Linux only.
 */
export interface GatewayProcessIdentity {
  readonly pid: number;
  /** Clock ticks from the boot of the machine. */
  readonly startTicks: number;
  readonly machineBootId: string;
}

/** The identity of a living process, null when it has ended (a zombie has). */
export function identityOf(pid: number): GatewayProcessIdentity | null {
  const stat = read(`/proc/${pid}/stat`);
  const machineBootId = read('/proc/sys/kernel/random/boot_id')?.trim();
  if (stat === null || machineBootId === undefined) return null;
  // The second field is the name and may hold blanks and parentheses; the fields are counted after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isGone = fields[0] === 'Z' || fields[0] === 'X';
  return isGone ? null : { pid, startTicks: Number(fields[19]), machineBootId };
}

/** True only while exactly this process lives. */
export function isLiving(identity: GatewayProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now?.startTicks === identity.startTicks && now.machineBootId === identity.machineBootId;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
