import type { Clock } from './clock.ts';

/** The longest pause a timer can be asked for. */
const LONGEST_MS = 2 ** 31 - 1;

/** A pause that others can cut short. */
export interface Wakeup {
  /** Ends the pause that is under way, or the next one. */
  nudge(): void;
  /**
   * Resolves after `ms`, at a nudge, or when `until` aborts; answers whether there was a nudge since the last pause,
   * whatever ended it.
   */
  pause(ms: number, until?: AbortSignal): Promise<'nudged' | 'elapsed'>;
}

export function createWakeup(clock: Clock): Wakeup {
  let nudged = false;
  let pausing: AbortController | null = null;
  return {
    nudge() {
      nudged = true;
      pausing?.abort();
    },
    async pause(ms, until) {
      if (!nudged) {
        pausing = new AbortController();
        const signals = until === undefined ? [pausing.signal] : [pausing.signal, until];
        await clock.sleep(Math.min(ms, LONGEST_MS), AbortSignal.any(signals));
        pausing = null;
      }
      const answer = nudged ? 'nudged' : 'elapsed';
      nudged = false;
      return answer;
    },
  };
}
