import type { GatewayKind } from './gateway.ts';
import { HOSTS_QUEUE, hostQueue } from './names.ts';

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
 * is not asked again for an adopted gateway.
 */
export function holdQueue(claim: HoldClaim, previous: PreviousHold): HoldPlace {
  const { lastHost, kind } = claim;
  if (lastHost === null) return { taskQueue: HOSTS_QUEUE, startTimeoutMs: null, unowned: false };
  if (previous === 'none' || previous === 'timed-out') {
    return {
      taskQueue: hostQueue(lastHost),
      startTimeoutMs: claim.heartbeatTimeoutMs,
      unowned: false,
    };
  }
  return {
    taskQueue: kind === 'adopted' ? HOSTS_QUEUE : hostQueue(lastHost),
    startTimeoutMs: null,
    unowned: true,
  };
}

/** How a hold ends by itself. */
export type HoldEnd =
  /** The host is leaving; the gateway and its runs go on. */
  | { readonly kind: 'handed-over' }
  /** Another hold with a greater epoch has taken the gateway. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'removed' };
