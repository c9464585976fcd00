import type { RunAnswer, RunFailure, Usage } from './failure.ts';

/**
 * What a gateway shows about one attempt's session, reduced to what protocol.md P22 decides by.
 * `src/gateway` makes a Look from the history, the tasks ledger and the pending inputs of the session,
 * the attempt protocol (`attempt-protocol.ts`) reads it. Look before each send, and on every entry.
 */
export type Look = LookSeen | LookRefused;

/** The gateway answered. */
export interface LookSeen {
  readonly kind: 'seen';
  readonly gateway: GatewayIdentity;
  /** The attempt's own runs, in the order of the run ids asked for (every id asked for is listed). */
  readonly own: readonly OwnRun[];
  /** Runs by which the gateway resumed one of the attempt's own turns after a crash, oldest first. */
  readonly recoveries: readonly RecoveryRun[];
  /** Executing or queued runs of this session that are neither own nor a recovery after an own user row. */
  readonly foreignRunIds: readonly string[];
  /** The gateway's own word on the session: running, done, failed, killed, timeout; null: no such session. */
  readonly sessionStatus: string | null;
}

/** The gateway is there but takes no work now: nothing was or will be done with the request. */
export interface LookRefused {
  readonly kind: 'refused';
  readonly reason: 'draining' | 'starting' | 'suspended' | 'busy';
  readonly retryAfterMs: number;
}

/** Which gateway answered: the process (`bootId`) and the state directory (`stateId`, protocol.md "Defaults"). */
export interface GatewayIdentity {
  readonly bootId: string;
  /** null: the state directory has no sentinel of this installation. */
  readonly stateId: string | null;
  /** How long this boot has been ready, milliseconds. */
  readonly readyForMs: number;
  /**
   * How long, within that, it has not been seen resuming an interrupted turn of any session, milliseconds; 0 while it
   * does. A gateway resumes one turn after the other: the next one appears within `recoveryGrace` of this.
   */
  readonly noRecoveryForMs: number;
}

/** One of the attempt's own runs. Several fields can be set at once; P22's order decides. */
export interface OwnRun {
  readonly runId: string;
  /** Its user row stands in the transcript: the turn began. */
  readonly userRow: boolean;
  /** Executing, or accepted and queued in the gateway. */
  readonly executing: boolean;
  /** Accepted input whose turn has not begun; `interrupted`: it never will, and its run id is burnt. */
  readonly pendingInput: 'queued' | 'interrupted' | null;
  readonly answer: RunAnswer | null;
  readonly failure: RunFailure | null;
  /** What its model calls have used so far, also while it executes; null: nothing that the gateway shows. */
  readonly usage: Usage | null;
  /** The ledger says that the process ended under it ("… exited before restart"): not finished. */
  readonly endedByRestart: boolean;
}

/** A recovery run: a new run id after an own user row. */
export interface RecoveryRun {
  readonly runId: string;
  /** The own run it resumes. */
  readonly ownRunId: string;
  readonly executing: boolean;
  readonly answer: RunAnswer | null;
  readonly failure: RunFailure | null;
  readonly usage: Usage | null;
}
