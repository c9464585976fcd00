import type { Client } from 'pg';
import { ended } from './database-errors.ts';

/** A subscription to a NOTIFY channel, with a connection of its own. */
export interface Listener {
  /** Resolves when the first LISTEN stands. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

interface ListenOptions {
  readonly channel: string;
  readonly onPayload: (payload: string | null) => void;
  readonly log: { warn(detail: object, message: string): void };
  readonly connect: () => Client;
  readonly onClosed: () => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Listens until closed. A lost connection is made anew after a growing pause; then `onPayload(null)` says that
 * notifications may have been missed. Never throws: who listens also polls, a little later.
 */
export function listenOn(options: ListenOptions): Listener {
  return new ChannelListener(options);
}

class ChannelListener implements Listener {
  readonly ready: Promise<void>;
  readonly #options: ListenOptions;
  readonly #running: Promise<void>;
  readonly #stop = new AbortController();
  #client: Client | null = null;

  constructor(options: ListenOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#running = this.#run(resolve);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#running;
    this.#options.onClosed();
  }

  async #run(ready: () => void): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let first = true;
    while (!this.#stop.signal.aborted) {
      try {
        const { lost } = await this.#connect();
        pauseMs = FIRST_PAUSE_MS;
        if (!first) this.#options.onPayload(null);
        first = false;
        ready();
        await lost;
      } catch (error) {
        this.#warn(error);
      }
      await pause(pauseMs, this.#stop.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    ready();
  }

  /** Resolves when LISTEN stands; the inner promise resolves when the connection is lost. */
  async #connect(): Promise<{ readonly lost: Promise<void> }> {
    const client = this.#options.connect();
    this.#client = client;
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    client.on('error', (error) => {
      this.#warn(error);
      resolve();
    });
    client.on('end', () => resolve());
    client.on('notification', ({ payload }) => this.#options.onPayload(payload ?? ''));
    try {
      // A client that is ended while it connects never settles `connect`: whoever closes must not wait for it.
      await Promise.race([client.connect(), lost]);
      await client.query(`listen ${client.escapeIdentifier(this.#options.channel)}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return { lost };
  }

  #warn(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const { channel, log } = this.#options;
    log.warn(
      { channel, error: ended(error) },
      'the listening connection was lost and is made anew; until then Dash polls',
    );
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
