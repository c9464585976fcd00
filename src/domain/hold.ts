import type { GatewayKind } from './gateway.ts';
import { HOSTS_QUEUE, hostQueue, MANAGED_HOSTS_QUEUE } from './names.ts';

/** What a new hold of a gateway starts from; the epoch is allocated from the gateway's row (P25). */
export interface HoldClaim {
  readonly ownerEpoch: number;
  /** The epoch under which a host last took the gateway's row. */
  readonly takenEpoch: number;
  readonly kind: GatewayKind;
  /** The host that held it last; null: nobody yet. */
  readonly lastHost: string | null;
  readonly heartbeatTimeoutMs: number;
}

/**
 * How the hold before ended; `not-taken-up`: the host that was asked did not answer in time, or never took the row
 * (a frozen process still polls, as far as Temporal can tell, and swallows what it is given).
 */
export type PreviousHold = 'none' | 'timed-out' | 'not-taken-up' | 'handed-over';

export interface HoldPlace {
  readonly taskQueue: string;
  /** How long the host may take to begin; null: as long as it takes. */
  readonly startTimeoutMs: number | null;
  /** True when nobody is known to have it until somebody comes: the row says `unowned`. */
  readonly unowned: boolean;
}

/** What became of a hold whose activity timed out: a host that never took its epoch never began. */
export function afterTimeOut(timedOutEpoch: number, next: HoldClaim): PreviousHold {
  return next.takenEpoch >= timedOutEpoch ? 'timed-out' : 'not-taken-up';
}

/**
 * Where the next hold goes (P32): the last host first, for one hold time-out, because it may only have lost sight
 * of Temporal; then adopted gateways anywhere, managed ones only where their process is. A host that handed over
 * is not asked again for an adopted gateway. A gateway that nobody has held goes to any host that can hold its kind,
 * and is `unowned` when none has come within the same time.
 */
export function holdQueue(claim: HoldClaim, previous: PreviousHold): HoldPlace {
  const { lastHost, kind, heartbeatTimeoutMs } = claim;
  const anyHost = kind === 'adopted' ? HOSTS_QUEUE : MANAGED_HOSTS_QUEUE;
  const isFirstAsked = previous === 'none' || previous === 'timed-out';
  const mayBeAnyHost = lastHost === null || (kind === 'adopted' && !isFirstAsked);
  return {
    taskQueue: mayBeAnyHost ? anyHost : hostQueue(lastHost),
    startTimeoutMs: isFirstAsked ? heartbeatTimeoutMs : null,
    unowned: !isFirstAsked,
  };
}

/** A hold that ended sooner than this after it was asked for is taken for one that did not come about. */
const SETTLED_MS = 60_000;
const FIRST_PAUSE_MS = 250;
/** As long as a hand-over may take (P34): a host with room again is found within that. */
const LONGEST_PAUSE_MS = 5_000;

/**
 * How many holds in a row ended at once, and how long to wait before the next one is asked for: nothing after a hold
 * that lasted, then longer and longer, so that hosts which keep refusing a gateway are not asked in a circle.
 */
export function pauseAfterHold(
  endedAtOnce: number,
  lastedMs: number,
): { readonly endedAtOnce: number; readonly pauseMs: number } {
  if (lastedMs >= SETTLED_MS) return { endedAtOnce: 0, pauseMs: 0 };
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** endedAtOnce, LONGEST_PAUSE_MS);
  return { endedAtOnce: endedAtOnce + 1, pauseMs };
}

/** In words for a person. */
export function runsGoOn(running: number): string {
  return running === 1 ? '1 run goes on' : `${running} runs go on`;
}

/** How a hold ends by itself. */
export type HoldEnd =
  /** The host is leaving; the gateway and its runs go on. */
  | { readonly kind: 'handed-over' }
  /** The host holds as many gateways as it may; it has not begun to hold this one. */
  | { readonly kind: 'full' }
  /** Another hold with a greater epoch has taken the gateway. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'removed' };
