import type { Clock } from '../../platform/clock.ts';
import type { WireError } from './reply.ts';

const LIMIT = 30;
const WINDOW_MS = 60_000;

/** A gateway takes 30 control-plane writes per minute and method; the rest is refused with a hint. */
export class ControlLimit {
  readonly #clock: Clock;
  readonly #calls = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts the call; the refusal when it is one too many. */
  refusal(method: string): WireError | null {
    const now = this.#clock.monotonic();
    const recent = (this.#calls.get(method) ?? []).filter((at) => now - at < WINDOW_MS);
    const oldest = recent[0];
    if (recent.length < LIMIT || oldest === undefined) {
      this.#calls.set(method, [...recent, now]);
      return null;
    }
    this.#calls.set(method, recent);
    return {
      code: 'UNAVAILABLE',
      message: `rate limit exceeded for ${method}`,
      retryable: true,
      retryAfterMs: Math.ceil(WINDOW_MS - (now - oldest)),
      details: { method, limit: `${LIMIT} per 60s` },
    };
  }
}
