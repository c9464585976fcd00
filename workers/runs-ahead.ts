import type { Clock } from '../src/platform/clock.ts';

/**
 * The runs of this host that have begun before their workflow asked for them (ADR 0012). Were there no bound, a queue
 * of short tasks would run far ahead of Temporal, and what only a workflow does (cancel, retry, the hand-over to
 * another host) would come minutes late.
 */
export interface RunsAhead {
  began(attemptId: string): void;
  /** Its workflow waits for it now; also of runs that were not begun ahead, or are only about to be. */
  joined(attemptId: string): void;
  /** So many that claims wait until workflows have caught up. */
  areMany(): boolean;
}

/** A workflow asks within tens of milliseconds: enough for a thousand starts per second. */
const MANY = 64;
/** By then the workflow waits elsewhere (its gateway has moved), or nobody works for Temporal at all. */
const FORGET_AFTER_MS = 30_000;

/** `onCaughtUp` is called when they are no longer many because workflows have asked; time alone tells nobody. */
export function createRunsAhead(clock: Clock, onCaughtUp: () => void): RunsAhead {
  /** When each began, in that order. */
  const ahead = new Map<string, number>();
  /** When each workflow asked that was quicker than the answer to its start. */
  const early = new Map<string, number>();

  const forgetOld = (): void => {
    const before = clock.monotonic() - FORGET_AFTER_MS;
    for (const moments of [ahead, early]) {
      for (const [attemptId, at] of moments) {
        if (at > before) break;
        moments.delete(attemptId);
      }
    }
  };

  return {
    began(attemptId) {
      forgetOld();
      if (!early.delete(attemptId)) ahead.set(attemptId, clock.monotonic());
    },
    joined(attemptId) {
      if (!ahead.delete(attemptId)) early.set(attemptId, clock.monotonic());
      else if (ahead.size === MANY - 1) onCaughtUp();
    },
    areMany() {
      forgetOld();
      return ahead.size >= MANY;
    },
  };
}
