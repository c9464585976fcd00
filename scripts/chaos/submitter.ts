import { ApiError, ApiUnreachable } from '../../src/contract/client-errors.ts';
import type { DashClient } from '../../src/contract/client.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { RULES, type Rule } from './rules.ts';
import type { Line, SwarmWish, TaskWish, Wish } from './workload.ts';

/** Work that Dash has accepted, as the client was told. */
export type Accepted =
  | {
      readonly kind: 'task';
      readonly id: string;
      /** Place in the order of the answers to first submits. */
      readonly submitted: number;
      readonly wish: TaskWish;
    }
  | {
      readonly kind: 'swarm';
      readonly id: string;
      readonly submitted: number;
      readonly wish: SwarmWish;
    };

/** What the client lived through. */
export interface SubmitCounts {
  /** Requests that got no answer: the api died, hung, or was not there. */
  lostAnswers: number;
  /** 503 and 429: asked to come again. */
  refusals: number;
  /** Submits that were repeated with the same key although they had been answered. */
  repeats: number;
}

/** A fault of the API that the client met. */
export type OnFault = (rule: Rule, what: string) => void;

const AGAIN_AFTER_MS = 250;
/** A client's lines under way at one time: with a large workload, submits go on while most strikes fall. */
const LINES_AT_ONCE = 40;

export interface SubmitterOptions {
  readonly client: DashClient;
  readonly clock: Clock;
  /** Ends every request. */
  readonly abort: AbortSignal;
  /** No new work from then on. */
  readonly stop: AbortSignal;
  readonly onFault: OnFault;
  readonly counts: SubmitCounts;
}

/** A client as the guide describes it: one key per wish, and the same key again until there is an answer. */
export class Submitter {
  readonly accepted: Accepted[] = [];
  readonly counts: SubmitCounts;
  readonly #options: SubmitterOptions;
  readonly #cancels: Promise<void>[] = [];

  constructor(options: SubmitterOptions) {
    this.#options = options;
    this.counts = options.counts;
  }

  /** Submits all lines, many side by side; answers when everything was accepted and every cancel was answered. */
  async submitAll(lines: readonly Line[]): Promise<void> {
    const waiting = lines.values();
    const submitNext = async (): Promise<void> => {
      for (const line of waiting) await this.#submitLine(line);
    };
    await Promise.all(Array.from({ length: LINES_AT_ONCE }, submitNext));
    await Promise.all(this.#cancels);
  }

  /** Asks again until it is answered. Throws what no repetition can change, and when the run is aborted. */
  async insist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, abort, onFault } = this.#options;
    for (;;) {
      abort.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        if (error instanceof ApiError) {
          const { code, status, retryable } = error.problem;
          if (status === 500) onFault(RULES.noError, `${code}: ${error.message}`);
          else if (retryable) this.counts.refusals += 1;
          else throw error;
        } else if (!(error instanceof ApiUnreachable)) throw error;
      }
      await clock.sleep(AGAIN_AFTER_MS, abort);
    }
  }

  async #submitLine(line: Line): Promise<void> {
    const { clock, stop, onFault } = this.#options;
    for (const wish of line) {
      await clock.sleep(wish.pauseMs, stop);
      if (stop.aborted) return;
      const id = await this.insist(() => this.#submit(wish));
      const submitted = this.accepted.length;
      this.accepted.push(
        wish.kind === 'task'
          ? { kind: 'task', id, submitted, wish }
          : { kind: 'swarm', id, submitted, wish },
      );
      if (wish.kind === 'task' && wish.cancelAfterMs !== null) {
        this.#cancels.push(this.#cancelLater(id, wish.cancelAfterMs));
      }
      if (!wish.repeats) continue;
      this.counts.repeats += 1;
      const again = await this.insist(() => this.#submit(wish));
      if (again === id) continue;
      const what = `${wish.idempotencyKey} was answered ${id}, then ${again}`;
      onFault(RULES.oneKey, what);
    }
  }

  async #submit(wish: Wish): Promise<string> {
    const { client } = this.#options;
    const { idempotencyKey } = wish;
    if (wish.kind === 'task') {
      return (await client.tasks.submit({ body: wish.body, idempotencyKey })).task.id;
    }
    return (await client.swarms.run({ body: wish.body, idempotencyKey })).swarm.id;
  }

  async #cancelLater(taskId: string, afterMs: number): Promise<void> {
    const { client, clock, stop } = this.#options;
    await clock.sleep(afterMs, stop);
    await this.insist(() => client.tasks.cancel({ params: { taskId } }));
  }
}
