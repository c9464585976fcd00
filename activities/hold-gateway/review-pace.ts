import type { Clock } from '../../src/platform/clock.ts';

/** When nothing waited for a person at the last review: something may by now, and asking is one query. */
const NOTHING_WAITED_PAUSE_MS = 5_000;
/** Between two reviews of something; longer where they take long, so that they never make up much of the time. */
const SHORTEST_PAUSE_MS = 1_000;
const PAUSE_PER_REVIEW = 20;

/**
 * When the indeterminate attempts of one gateway are looked at again: at each boot, in a rhythm, and soon after a run
 * of the gateway began or ended, because it may be the run, or the recovery, that somebody is asked about. However
 * busy the gateway is, reviews stay few.
 */
export class ReviewPace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #reviewedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #moved = false;

  constructor(options: { readonly clock: Clock; readonly everyMs: number }) {
    this.#clock = options.clock;
    this.#everyMs = options.everyMs;
  }

  /** Another boot answers: what was seen at the last review says nothing about it. */
  restart(): void {
    this.#reviewedAt = Number.NEGATIVE_INFINITY;
  }

  /** A run of the gateway began or ended. */
  runMoved(): void {
    this.#moved = true;
  }

  /** Reviews, when it is time; `review` answers how many attempts it met. One that fails is due again at once. */
  async reviewIfDue(review: () => Promise<number>): Promise<void> {
    const startedAt = this.#clock.monotonic();
    const afterMove = this.#moved && startedAt >= this.#notBefore;
    if (!afterMove && startedAt - this.#reviewedAt < this.#everyMs) return;
    // What moves from now on asks for another review.
    this.#moved = false;
    try {
      const met = await review();
      this.#reviewedAt = startedAt;
      this.#notBefore = this.#clock.monotonic() + this.#pauseMs(met, startedAt);
    } catch (error) {
      this.restart();
      throw error;
    }
  }

  #pauseMs(met: number, startedAt: number): number {
    if (met === 0) return NOTHING_WAITED_PAUSE_MS;
    return Math.max(SHORTEST_PAUSE_MS, PAUSE_PER_REVIEW * (this.#clock.monotonic() - startedAt));
  }
}
