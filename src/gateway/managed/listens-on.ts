import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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
