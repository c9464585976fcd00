import type { AttemptOutcome, AttemptState } from '../domain/attempt.ts';
import type { RunSpending } from '../domain/budget.ts';
import type { RunFailure, Usage } from '../domain/failure.ts';
import type { TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { Settled } from './settle.ts';

/** What stands instead of what was asked: nothing was written. */
export interface AttemptStands {
  readonly kind: 'stands';
  readonly because: 'superseded-owner' | 'state' | 'not-found';
  readonly state: AttemptState | null;
  readonly outcome: AttemptOutcome | null;
  readonly taskState: TaskState | null;
}

/** Remembers of these attempts that Temporal acknowledged their start or signal (P17). */
export function markDelivered(
  db: Database,
  attemptIds: readonly string[],
): Promise<{ kind: 'ok' }> {
  return db.call('mark_delivered', { attemptIds });
}

export type BeginSendingResult =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'refused';
      readonly reason:
        | 'cancel-requested'
        | 'superseded-owner'
        | 'gateway-closed'
        | 'not-open'
        | 'already-accepted';
    };

/**
 * `planned → sending`, or the next send of one that is (P23): committed before its mutating frame leaves. Appends
 * `runId` (once). Refuses when the task is to end early, the writer is not the gateway's owner, the gateway takes no
 * work, or the attempt is neither planned, sending nor accepted. From `accepted` it is a resend: the caller has
 * looked and found this attempt's input interrupted before it began (P22 case 4).
 */
export function beginSending(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly runId: string;
    readonly bootId: string;
    readonly stateId: string;
  },
): Promise<BeginSendingResult> {
  return db.call('begin_sending', options);
}

export type MarkResult = { readonly kind: 'ok' } | AttemptStands;

/** The gateway has accepted the run: `sending → accepted`. Repeating it changes nothing. */
export function markAccepted(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly bootId?: string;
    readonly stateId?: string;
  },
): Promise<MarkResult> {
  return db.call('mark_accepted', options);
}

/** The gateway's own recovery run of this attempt is followed from now on: recorded once, `sending → accepted`. */
export function adoptRecovery(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly runId: string;
    readonly bootId?: string;
  },
): Promise<MarkResult> {
  return db.call('adopt_recovery', options);
}

export type CloseResult =
  | { readonly kind: 'closed'; readonly attemptsUsed: number; readonly maxAttempts: number }
  | AttemptStands;

/**
 * Closes an open attempt and frees its lane without ending its task, which stays `dispatched` for its workflow to
 * decide about (P21). `stands` names the outcome that was written first.
 */
export function closeAttempt(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly outcome: AttemptOutcome;
    readonly failure?: RunFailure;
    readonly usage?: Usage | null;
    /** What the gateway shows of its runs: entered in the ledger once (P15). */
    readonly runs?: readonly RunSpending[];
    readonly evidence?: unknown;
  },
): Promise<CloseResult> {
  return db.call('close_attempt', options);
}

export type ReleaseResult =
  | { readonly kind: 'released'; readonly taskState: 'queued' | 'held' }
  | {
      readonly kind: 'released';
      readonly taskState: Settled['state'];
      readonly settled: Settled;
    }
  | AttemptStands;

/**
 * Ends an attempt that never ran (P18, P19, P23): its lane is free, its task is back in the queue with its old seq,
 * or settled when it is to end early. `from` names what the caller believes: a `planned` attempt, or a `sending`
 * one that the gateway provably refused.
 */
export function releaseAttempt(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch?: number;
    readonly reason: string;
    readonly from: 'planned' | 'refused-sending';
  },
): Promise<ReleaseResult> {
  return db.call('release_attempt', options);
}

/** Counts an unexpected error of `runTask` in the attempt's row and answers the count (P19); 0: no such attempt. */
export async function markUnexpected(
  db: Database,
  attemptId: string,
  message: string,
): Promise<number> {
  const answer = await db.call<{ count: number } | null>('mark_unexpected', {
    attemptId,
    message,
  });
  return answer?.count ?? 0;
}
