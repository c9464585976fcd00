import type { Clock } from '../platform/clock.ts';

/** Spreads the connects of one host, so that fifty gateways which come back at once are not met by a storm (R25). */
export interface ConnectPace {
  /** Milliseconds to wait, at least `wantedMs`, until a connect has its turn. Each turn is given once. */
  reserve(wantedMs: number): number;
}

/** Fifty gateways are back within five seconds. */
const CONNECTS_PER_SECOND = 10;

/** At most `perSecond` turns in any second, evenly apart; a turn far ahead does not hold up earlier ones. */
export function createConnectPace({
  clock,
  perSecond = CONNECTS_PER_SECOND,
}: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly perSecond?: number;
}): ConnectPace {
  const gapMs = 1_000 / perSecond;
  let turns: number[] = [];
  return {
    reserve(wantedMs) {
      const now = clock.monotonic();
      turns = turns.filter((turn) => turn > now - gapMs);
      const mine = firstFree(turns, now + wantedMs, gapMs);
      turns = [...turns, mine].toSorted((one, other) => one - other);
      return mine - now;
    },
  };
}

/** The first moment from `wanted` on that is at least a gap away from every turn; `turns` are sorted. */
function firstFree(turns: readonly number[], wanted: number, gapMs: number): number {
  let free = wanted;
  for (const turn of turns) {
    if (turn - free >= gapMs) break;
    if (free - turn < gapMs) free = turn + gapMs;
  }
  return free;
}
