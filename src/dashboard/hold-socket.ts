import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Clock } from '../platform/clock.ts';

/** A gateway ends by itself what says nothing for 15 s before it has connected; to be told from a proxy that cuts. */
export const LONGEST_HOLD_MS = 12_000;

/**
 * Opens a WebSocket, says nothing, and waits `holdMs` (at most `LONGEST_HOLD_MS`). Milliseconds after which somebody
 * cut it; null: it was held, or it never opened, which other probes tell.
 */
export async function holdSocket(options: {
  readonly url: URL;
  readonly origin: string;
  readonly holdMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly trustAny?: boolean;
}): Promise<number | null> {
  const { clock, origin, timeoutMs } = options;
  const target = new URL(options.url);
  target.protocol = target.protocol.replace(/^http/, 'ws');
  const socket = new WebSocket(target, {
    origin,
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
    rejectUnauthorized: options.trustAny !== true,
  });
  const done = new AbortController();
  try {
    await once(socket, 'open');
    const openedAt = clock.monotonic();
    const cut = once(socket, 'close').then(() => clock.monotonic() - openedAt);
    const held = clock
      .sleep(Math.min(options.holdMs, LONGEST_HOLD_MS), done.signal)
      .then(() => null);
    return await Promise.race([cut, held]);
  } catch {
    return null;
  } finally {
    done.abort();
    socket.removeAllListeners().on('error', () => undefined);
    socket.terminate();
  }
}
