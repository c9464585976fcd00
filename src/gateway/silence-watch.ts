import type { Clock } from '../platform/clock.ts';

/**
 * Watches one socket for silence: a gateway ticks, so when nothing has arrived for two ticks the socket is dead,
 * whatever TCP says. Looks once per tick, and keeps no process alive.
 */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #onSilence: () => void;
  #lastFrameAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: { readonly clock: Clock; readonly onSilence: () => void }) {
    this.#clock = options.clock;
    this.#onSilence = options.onSilence;
  }

  /** Something has arrived. */
  heard(): void {
    this.#lastFrameAt = this.#clock.monotonic();
  }

  /** From now on, until `stop`; a former watch ends. */
  start(tickMs: number): void {
    this.stop();
    this.heard();
    this.#timer = setInterval(() => {
      if (this.#clock.monotonic() - this.#lastFrameAt > 2 * tickMs) this.#onSilence();
    }, tickMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
