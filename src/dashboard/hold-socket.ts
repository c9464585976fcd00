import type { Clock } from '../platform/clock.ts';
import { openSocket, type SocketProbe } from './probe-socket.ts';

/**
 * A gateway ends by itself what says nothing for 15 s before it has connected, and Dash shows its token to nothing
 * outside: proxies that cut later than this are not seen. The default of nginx, 60 s, is harmless: gateways ping every
 * 25 s.
 */
export const LONGEST_HOLD_MS = 12_000;

/**
 * Opens a WebSocket, says nothing, and waits `holdMs` (at most `LONGEST_HOLD_MS`). Milliseconds after which somebody
 * cut it; null: it was held, or it did not open within `timeoutMs`, which other probes tell. Never rejects.
 */
export async function holdSocket(
  probe: SocketProbe & { readonly holdMs: number; readonly clock: Clock },
): Promise<number | null> {
  const { clock, timeoutMs } = probe;
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const socket = openSocket(probe);
  let openedAt: number | null = null;
  let timer = setTimeout(() => resolve(null), timeoutMs);
  socket.on('open', () => {
    openedAt = clock.monotonic();
    clearTimeout(timer);
    timer = setTimeout(() => resolve(null), Math.min(probe.holdMs, LONGEST_HOLD_MS));
  });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(openedAt === null ? null : clock.monotonic() - openedAt));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.removeAllListeners().on('error', () => undefined);
    socket.terminate();
  }
}
