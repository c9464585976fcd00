import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** The bytes that a choked way swallows: those to the service, those from it, or both. */
export type Direction = 'to' | 'from' | 'both';

/** A way to a service that can be cut, choked or slowed, so that the service itself need not be touched. */
export interface TcpProxy {
  readonly port: number;
  /** Drops every connection and refuses new ones: the service is down. */
  cut(): void;
  /** Takes bytes and passes nothing on, while every connection stays open: the service seems frozen, or half of a connection is gone. */
  choke(direction?: Direction): void;
  /** What the service says arrives this much later, in its order. */
  slow(delayMs: number): void;
  heal(): void;
  close(): Promise<void>;
}

interface Weather {
  isCut: boolean;
  swallows: { to: boolean; from: boolean };
  delayMs: number;
}

export async function startTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const weather: Weather = { isCut: false, swallows: { to: false, from: false }, delayMs: 0 };
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    if (weather.isCut) {
      inner.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const outer = createConnection({ ...target, allowHalfOpen: true });
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('close', () => pair.every(({ destroyed }) => destroyed) && pairs.delete(pair));
    }
    passOn(inner, outer, () => ({ isLost: weather.swallows.to, delayMs: 0 }));
    passOn(outer, inner, () => ({ isLost: weather.swallows.from, delayMs: weather.delayMs }));
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
      weather.isCut = true;
      dropAll();
    },
    choke: (direction = 'both') => {
      weather.swallows = { to: direction !== 'from', from: direction !== 'to' };
    },
    slow: (delayMs) => {
      weather.delayMs = delayMs;
    },
    heal: () => {
      // what was swallowed cannot be given back: those connections are of no use any more
      if (weather.swallows.to || weather.swallows.from) dropAll();
      Object.assign(weather, { isCut: false, swallows: { to: false, from: false }, delayMs: 0 });
    },
    close: async () => {
      dropAll();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Carries bytes, and the end of them, one way; what is delayed keeps its order also when the delay changes. */
function passOn(
  source: Socket,
  sink: Socket,
  fate: () => { readonly isLost: boolean; readonly delayMs: number },
): void {
  const queue: { readonly atMs: number; readonly deliver: () => void }[] = [];
  const pump = (): void => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const waitMs = next.atMs - performance.now();
      if (waitMs > 0) {
        setTimeout(pump, Math.ceil(waitMs));
        return;
      }
      queue.shift();
      next.deliver();
    }
  };
  const send = (deliver: () => void, whenLost: () => void = () => undefined): void => {
    const { isLost, delayMs } = fate();
    if (isLost) {
      whenLost();
      return;
    }
    const atMs = Math.max(queue.at(-1)?.atMs ?? 0, performance.now() + delayMs);
    if (queue.length === 0 && delayMs === 0) deliver();
    else if (queue.push({ atMs, deliver }) === 1) pump();
  };
  source.on('data', (bytes) => send(() => sink.write(bytes)));
  // Who hangs up while the way is choked is rid of its connection; the other side does not learn of it.
  source.on('end', () =>
    send(
      () => sink.end(),
      () => source.end(),
    ),
  );
  // The reason is in the end that the other half is given.
  source.on('error', () => undefined);
  source.on('close', (hadError) => hadError && send(() => sink.destroy()));
}
