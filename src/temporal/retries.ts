import { setTimeout as sleep } from 'node:timers/promises';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

const LONGEST_PAUSE_MS = 1_000;
/** A timer may fire a little after its time. */
const TIMER_SLACK_MS = 20;

/**
 * The retries of one connection to Temporal. Temporal's client repeats a failed call from a timer that it does not
 * stop when the connection closes, and a call on a closed connection throws there: the whole process would end.
 */
export class Retries {
  readonly interceptor: ReturnType<typeof makeGrpcRetryInterceptor>;
  #isEnding = false;
  #lastDueAt = 0;

  constructor() {
    const { delayFunction, retryableDecider } = defaultGrpcRetryOptions();
    this.interceptor = makeGrpcRetryInterceptor({
      retryableDecider: (attempt, status) => !this.#isEnding && retryableDecider(attempt, status),
      delayFunction: (attempt, status) => {
        const delayMs = Math.min(delayFunction(attempt, status), LONGEST_PAUSE_MS);
        this.#lastDueAt = Math.max(this.#lastDueAt, performance.now() + delayMs);
        return delayMs;
      },
    });
  }

  /** No call is repeated any more; resolves when the repetitions that are on their way have been made, within a second. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const leftMs = this.#lastDueAt - performance.now();
    if (leftMs > 0) await sleep(leftMs + TIMER_SLACK_MS);
  }
}
