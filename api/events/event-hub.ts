import type { Database } from '../../src/db/database.ts';
import type { Listener } from '../../src/db/listener.ts';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * Tells all event streams of a process that there may be new events. One LISTEN serves them all; it is a hint that
 * shortens a wait which ends by itself, so a lost notification costs time and never an event.
 */
export class EventHub {
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #listener: Listener;
  readonly #waiting = new Set<() => void>();
  #version = 0;

  constructor(options: { readonly db: Database; readonly clock: Clock; readonly pollMs: number }) {
    this.#clock = options.clock;
    this.#pollMs = options.pollMs;
    this.#listener = options.db.listen('dash_events', () => this.#wake());
  }

  /** Take it before reading rows, and hand it to `changed`: nothing that comes in between is missed. */
  get version(): number {
    return this.#version;
  }

  /** Resolves when something was announced since `version`, after the poll interval, or when `signal` aborts. */
  async changed(version: number, signal: AbortSignal): Promise<void> {
    if (version !== this.#version || signal.aborted) return;
    const done = new AbortController();
    const wake = (): void => done.abort();
    this.#waiting.add(wake);
    try {
      await this.#clock.sleep(this.#pollMs, AbortSignal.any([signal, done.signal]));
    } finally {
      this.#waiting.delete(wake);
    }
  }

  async close(): Promise<void> {
    await this.#listener.close();
    this.#wake();
  }

  #wake(): void {
    this.#version += 1;
    for (const wake of [...this.#waiting]) wake();
  }
}
