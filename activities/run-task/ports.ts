import type {
  freeLane,
  markIndeterminate,
  recoverFromIndeterminate,
} from '../../src/db/attempt-decision.ts';
import type { readAttempt, readCancelRequests } from '../../src/db/attempt-record.ts';
import type {
  adoptRecovery,
  beginSending,
  closeAttempt,
  markAccepted,
  markUnexpected,
  releaseAttempt,
} from '../../src/db/attempt-run.ts';
import type { countUsage } from '../../src/db/attempt-usage.ts';
import type { requestCancel } from '../../src/db/cancel.ts';
import type { settleTask } from '../../src/db/settle.ts';
import type { AttemptPolicy } from '../../src/domain/attempt-protocol-policy.ts';
import type { GatewayConnection, Permit } from '../../src/gateway/connection.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { RacePoints } from '../../src/platform/race-points.ts';

/**
 * What a run needs of the outside: its rows, the gateway it runs on, and the Temporal activity that waits for it.
 */

/** A store function without its database. */
type Bound<Store> = Store extends (db: never, ...args: infer Args) => infer Answer
  ? (...args: Args) => Answer
  : never;

/**
 * The stores of `src/db`, bound to their database (`bindRunRows`). Every write is conditional, says what stands when
 * it does not apply any more, and may be repeated when its answer was lost.
 */
export interface RunRows {
  readonly readAttempt: Bound<typeof readAttempt>;
  readonly readCancelRequests: Bound<typeof readCancelRequests>;
  readonly beginSending: Bound<typeof beginSending>;
  readonly markAccepted: Bound<typeof markAccepted>;
  readonly adoptRecovery: Bound<typeof adoptRecovery>;
  readonly closeAttempt: Bound<typeof closeAttempt>;
  readonly releaseAttempt: Bound<typeof releaseAttempt>;
  readonly settleTask: Bound<typeof settleTask>;
  readonly markIndeterminate: Bound<typeof markIndeterminate>;
  readonly freeLane: Bound<typeof freeLane>;
  readonly recoverFromIndeterminate: Bound<typeof recoverFromIndeterminate>;
  readonly markUnexpected: Bound<typeof markUnexpected>;
  readonly requestCancel: Bound<typeof requestCancel>;
  readonly countUsage: Bound<typeof countUsage>;
}

/** What of the connection a run uses. */
export type RunConnection = Pick<
  GatewayConnection,
  'look' | 'sendRun' | 'abortRun' | 'followRun' | 'onState' | 'onRunEvent'
>;

/** A gateway that this host holds now. */
export interface HeldGateway {
  /** The epoch of the hold (P25); grows when the host loses the gateway and gets it back. */
  ownerEpoch(): number;
  readonly connection: RunConnection;
  /** P24: throws `NotPermitted` when the host cannot prove that the gateway is still its own. */
  readonly permit: Permit;
}

/** The Temporal activity that waits for a run. */
export interface WaitingActivity {
  /** It lives; `waitsFor`, what its run waits for, is shown to people who look at the activity. */
  heartbeat(waitsFor: string | null): void;
  /** Aborts when Temporal does not want this activity's answer any more: time-out, shutdown, cancel (P26). */
  readonly lost: AbortSignal;
}

/** What a run writes to a log; a pino logger fits. */
export interface RunLog {
  debug(detail: object, message: string): void;
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

/** Told of what happens to runs, for metrics and for whoever waits for a lane; must not throw. */
export interface RunObserver {
  /** The gateway acknowledged a first send; `waitedMs` since the task was accepted. */
  started(event: { readonly gatewayId: string; readonly waitedMs: number }): void;
  /** An attempt gave its lane back: another task may be claimed for it. */
  laneFreed(event: { readonly gatewayId: string }): void;
  /** A swarm has news that nobody was told of (P31): signal its workflow. */
  swarmNews(swarmId: string): void;
}

export interface RunDeps {
  readonly rows: RunRows;
  readonly gateways: { find(gatewayId: string): HeldGateway | null };
  readonly installation: string;
  readonly policy: AttemptPolicy;
  /** Unexpected errors of one attempt before a person is asked (P19). */
  readonly maxUnexpected: number;
  readonly clock: Clock;
  readonly log: RunLog;
  readonly race: RacePoints;
  readonly observer: RunObserver;
}
