import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a service that can be cut or choked, so that the service itself need not be stopped. */
export interface TcpProxy {
  readonly port: number;
  /** Drops every connection and refuses new ones: the service is down. */
  cut(): void;
  /** Takes bytes and passes nothing on: the service is frozen. */
  choke(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let mode: 'open' | 'cut' | 'choked' = 'open';
  const server = createServer((inner) => {
    if (mode === 'cut') {
      inner.resetAndDestroy();
      return;
    }
    const outer = createConnection(target);
    const pair = [inner, outer] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    inner.on('data', (bytes) => mode === 'open' && outer.write(bytes));
    outer.on('data', (bytes) => mode === 'open' && inner.write(bytes));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const dropAll = (): void => {
    for (const [inner, outer] of [...pairs]) {
      inner.resetAndDestroy();
      outer.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      mode = 'cut';
      dropAll();
    },
    choke: () => {
      mode = 'choked';
    },
    heal: () => {
      // what was swallowed cannot be given back: those connections are of no use any more
      if (mode === 'choked') dropAll();
      mode = 'open';
    },
    close: async () => {
      dropAll();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
