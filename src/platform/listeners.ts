/** Who listens at a port of this machine. Linux only: read from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortListener {
  /** As it was bound: `127.0.0.1`, `0.0.0.0`, `::1`, `::`. */
  readonly address: string;
  /** null: a process of another user, whose sockets are hidden. */
  readonly pid: number | null;
  /** First word of its command line; null as above, or when it ended meanwhile. */
  readonly program: string | null;
}

/** One for each socket that listens at the port, of whatever address and process. */
export function listenersAt(port: number): readonly PortListener[] {
  const sockets = socketsAt(port);
  if (sockets.length === 0) return [];
  const owners = ownersOf(new Set(sockets.map(({ inode }) => inode)));
  return sockets.map(({ address, inode }) => {
    const pid = owners.get(inode) ?? null;
    return { address, pid, program: pid === null ? null : programOf(pid) };
  });
}

/**
 * True when this process itself listens on the port: an answer on the port alone may come from another program that
 * was there before.
 */
export function listensOn(pid: number, port: number): boolean {
  const inodes = new Set(socketsAt(port).map(({ inode }) => inode));
  return openSockets(pid).some((inode) => inodes.has(inode));
}

interface ListeningSocket {
  readonly address: string;
  readonly inode: string;
}

const LISTEN = '0A';

/** Lines of /proc/net/tcp: number, local address:port (hexadecimal), remote, state, …, inode as the tenth field. */
function socketsAt(port: number): readonly ListeningSocket[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((table) => (read(table) ?? '').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, local = '', , state, , , , , , inode]) =>
      local.endsWith(wanted) && state === LISTEN && inode !== undefined
        ? [{ address: addressOf(local.slice(0, -wanted.length)), inode }]
        : [],
    );
}

/** The kernel writes words of 32 bits, each in the byte order of the machine, which is little-endian here. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  const { hostname } = new URL(`http://[${groups.join(':')}]`);
  return hostname.slice(1, -1);
}

function ownersOf(inodes: ReadonlySet<string>): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    for (const inode of openSockets(Number(name))) {
      if (inodes.has(inode)) owners.set(inode, Number(name));
    }
    if (owners.size === inodes.size) break;
  }
  return owners;
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

function programOf(pid: number): string | null {
  const [program = ''] = (read(`/proc/${pid}/cmdline`) ?? '').split('\0');
  // A rewritten title stands there with its arguments.
  const [word = ''] = program.split(' ');
  // Somebody else has written it: nothing of it may steer a terminal.
  const name =
    word
      .split('/')
      .at(-1)
      ?.replaceAll(/\p{Cc}/gu, '') ?? '';
  return name === '' ? null : name;
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
