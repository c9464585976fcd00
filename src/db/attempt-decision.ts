import type { RunSpending } from '../domain/budget.ts';
import type { Decision, IndeterminateReason } from '../domain/attempt.ts';
import type { AttemptStands, MarkResult } from './attempt-run.ts';
import type { Database } from './database.ts';
import type { Queued } from './retry-queue.ts';
import type { Settled } from './settle.ts';

/**
 * Nobody but a person can say how this attempt ended. It stays open, so it blocks its task and its session;
 * `keepLane` is false when the gateway was seen idle. `ownerEpoch` is left out by whoever is not its host.
 */
export function markIndeterminate(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch?: number;
    readonly reason: IndeterminateReason;
    readonly evidence: unknown;
    /** What the gateway showed of its runs: entered in the ledger once (P15). */
    readonly runs?: readonly RunSpending[];
    readonly keepLane: boolean;
  },
): Promise<MarkResult> {
  return db.call('mark_indeterminate', options);
}

/**
 * The gateway shows nothing executing for this indeterminate attempt: its lane is free. `indeterminateAt` is the row's
 * own, as it stood before the gateway was looked at: where the run has appeared since, what stands is answered.
 */
export function freeLane(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly indeterminateAt: string | null;
  },
): Promise<MarkResult> {
  return db.call('free_lane', options);
}

/**
 * The run of an indeterminate attempt (or its recovery, `recoveryRunId`) has appeared after all: it is `accepted`
 * and followed, holds its lane again, its task is `dispatched`; no person is needed.
 */
export function recoverFromIndeterminate(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly recoveryRunId?: string;
    readonly bootId?: string;
  },
): Promise<MarkResult> {
  return db.call('recover_from_indeterminate', options);
}

export type DecidingResult =
  /** A person is asked; `discard`: a cancel was requested, which decides in the person's place (P28). */
  | {
      readonly kind: 'deciding';
      readonly attemptId: string;
      readonly gatewayId: string;
      readonly discard: boolean;
    }
  | AttemptStands;

/** The task of an indeterminate attempt waits for a person: `dispatched → deciding`. Repeating it changes nothing. */
export function enterDeciding(
  db: Database,
  options: { readonly taskId: string; readonly attemptId: string },
): Promise<DecidingResult> {
  return db.call('enter_deciding', options);
}

export type RecordDecisionResult =
  | {
      readonly kind: 'recorded';
      readonly taskId: string;
      readonly workflowId: string;
      readonly gatewayId: string;
    }
  /** Somebody decided before: theirs counts. */
  | { readonly kind: 'decided-before'; readonly decision: Decision; readonly actor: string }
  | AttemptStands;

/**
 * Writes down what a person decided about an indeterminate attempt; the first decision counts. The workflow then
 * aborts what may still run, where the decision needs that, and applies it (`decideAttempt`).
 */
export function recordDecision(
  db: Database,
  options: { readonly attemptId: string; readonly decision: Decision; readonly actor: string },
): Promise<RecordDecisionResult> {
  return db.call('record_decision', options);
}

export type DecideResult =
  | Settled
  /** Retry: back in the queue. */
  | Queued
  | AttemptStands;

/**
 * Applies a decision about an indeterminate attempt (P29) and closes it. accept → the task is `completed`; retry →
 * it is queued again (settled when it is to end early); discard → `dead{discarded}`, after a cancel what was asked.
 * The caller has aborted, and confirmed it, before retry and discard.
 */
export function decideAttempt(
  db: Database,
  options: { readonly attemptId: string; readonly decision: Decision; readonly actor: string },
): Promise<DecideResult> {
  return db.call('decide_attempt', options);
}
