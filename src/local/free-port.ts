/** Finds loopback ports. A wanted port that is taken is never fatal: another free one is used, and said so. */
import { createServer } from 'node:net';
import { LocalError, systemErrorCode } from './local-error.ts';

/** `isWanted` is false when the wanted port was taken and another one was chosen. */
export interface ChosenPort {
  readonly port: number;
  readonly isWanted: boolean;
}

/**
 * Answers the wanted port when it is free on loopback, otherwise any free one (always when `wanted`
 * is absent), never one of `taken`. `say` receives a sentence when the choice differs from the wish.
 */
export async function choosePort(options: {
  what: string;
  wanted?: number;
  taken?: readonly number[];
  say: (line: string) => void;
}): Promise<ChosenPort> {
  const { what, wanted, taken = [], say } = options;
  if (wanted !== undefined && !taken.includes(wanted) && (await isFree(wanted))) {
    return { port: wanted, isWanted: true };
  }
  const port = await anyFreePort(taken);
  if (wanted === undefined) return { port, isWanted: true };
  say(`Port ${wanted} is in use; ${what} uses port ${port} instead.`);
  return { port, isWanted: false };
}

/** True when nothing listens on this port, neither on 127.0.0.1 nor on all addresses. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port, '127.0.0.1');
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw error;
  }
}

async function anyFreePort(taken: readonly number[]): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const port = await listenOnce(0, '127.0.0.1');
    if (!taken.includes(port)) return port;
  }
  throw new LocalError({
    code: 'port-unavailable',
    happened: 'No free loopback port was found in 20 attempts.',
    toDo: 'End programs that hold very many ports, or name free ones in the configuration.',
  });
}

async function listenOnce(port: number, host: string): Promise<number> {
  const server = createServer();
  const chosen = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return chosen;
}
