import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/**
 * True when this process itself listens on the port: an answer on the port alone may come from another gateway that
 * was there before.
 */
export function listensOn(pid: number, port: number): boolean {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(read(table), port)),
  );
  return openSockets(pid).some((inode) => inodes.has(inode));
}

const LISTEN = '0A';

/** Lines of /proc/net/tcp: number, local address:port (hexadecimal), remote, state, …, inode as the tenth field. */
function listeningInodes(table: string | null, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (table ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) === true && fields[3] === LISTEN)
    .flatMap((fields) => fields[9] ?? []);
}

function openSockets(pid: number): string[] {
  const dir = `/proc/${pid}/fd`;
  try {
    return readdirSync(dir).flatMap(
      (name) => /^socket:\[(\d+)\]$/.exec(target(`${dir}/${name}`))?.[1] ?? [],
    );
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
