import type { AttemptState, IndeterminateReason } from './attempt.ts';
import type { Amounts, AttemptBudget, RunSpending } from './budget.ts';
import type { RunAnswer, RunFailure } from './failure.ts';
import type { Look } from './look.ts';
import type { CancelReason } from './task.ts';

/**
 * The values that the attempt protocol reads and answers with (`attempt-protocol.ts`).
 *
 * Facts are the attempt's row, observations are what the gateway shows, actions are what to do about both. All are
 * plain values, so that each rule can be tried without a gateway, a database or a clock.
 */

/**
 * What the attempt's row says, as last read or written by this owner. Instants (`…AtMs`) are milliseconds on the
 * owner's monotonic clock, translated when the row was read: durations then survive jumps of the wall clock.
 */
export interface AttemptFacts {
  readonly taskId: string;
  readonly attemptNumber: number;
  readonly state: AttemptState;
  /** Own run ids in the order they were committed; empty until the first `sending`. */
  readonly runIds: readonly string[];
  /** Recovery runs of the gateway that were adopted. */
  readonly recoveryRunIds: readonly string[];
  /** Where the last committed send went; null until the first `sending`. */
  readonly bootId: string | null;
  readonly stateId: string | null;
  /** When the last send was committed; the run limit counts from here. */
  readonly sendingAtMs: number | null;
  readonly holdsLane: boolean;
  /** A person's decision about it stands: nothing else carries it on any more (P29). */
  readonly decided: boolean;
  readonly cancelRequested: CancelReason | null;
  /** Null: the task has none. */
  readonly deadlineAtMs: number | null;
  readonly runLimitMs: number;
  /** Doing it twice does no harm (P27). */
  readonly idempotent: boolean;
  /** What it may spend, and whether something around it is used up; null: nothing limits it (P15). */
  readonly budget: AttemptBudget | null;
}

/**
 * What the owner knows about the gateway at this moment.
 * - `unseen`: nothing yet, or something happened since that made the last look worthless.
 * - `acknowledged`: the gateway has just answered a send with "accepted" or "in flight".
 * - `unreachable`: a look did not come back; `why` is the error in words.
 */
export type Observation =
  | Look
  | { readonly kind: 'unseen' }
  | { readonly kind: 'acknowledged'; readonly runId: string }
  | { readonly kind: 'unreachable'; readonly why: string };

/**
 * Why a send did not lead to a run.
 * - `invalid`: the gateway can never take it as it is.
 * - `later`: the gateway provably did not take it, and may another time.
 * - `closed`: the gateway's row takes no work now, so the send was not committed (P23).
 * - `unclear`: no answer, or none that says anything; the next look showed nothing of it.
 */
export interface Refusal {
  readonly kind: 'invalid' | 'later' | 'closed' | 'unclear';
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/**
 * What an owner remembers between looks; lost with its process, so nothing that safety needs. Instants on its
 * monotonic clock; null: not the case now.
 */
export interface Memory {
  /** When the last look began: it shows what was the case then, however late its answer is read. */
  readonly lookedAtMs: number | null;
  readonly unreachableSinceMs: number | null;
  readonly refusedSinceMs: number | null;
  readonly foreignSinceMs: number | null;
  /** Since when this boot has shown the attempt begun and not executing, or nothing of it at all. */
  readonly still: { readonly what: string; readonly sinceMs: number } | null;
  /** Since when this owner has tried to end what executes now. */
  readonly aborting: { readonly what: string; readonly sinceMs: number } | null;
  readonly endingSinceMs: number | null;
  /** What of its spending stands in the rows; only of an attempt that something limits. */
  readonly counted: Amounts;
  /** The send that was just committed to the row and not tried yet. */
  readonly committed: { readonly runId: string; readonly bootId: string } | null;
  /** Every send so far was made by this owner and answered with a refusal. */
  readonly provablyUnsent: boolean;
  /** The last refusal, how often it was of this kind in a row, since when, and when last. */
  readonly refusal:
    (Refusal & { readonly times: number; readonly sinceMs: number; readonly atMs: number }) | null;
}

export type WaitReason =
  | 'unreachable'
  | 'refused'
  /** The gateway has just come back: the turn may resume by itself. */
  | 'recovery'
  /** The gateway resumes other interrupted turns first, one after the other. */
  | 'recovery-queue'
  | 'session-busy'
  | 'settling'
  | 'arrival'
  | 'sentinel'
  | 'gateway-closed';

/** Why a release is allowed: which proof says that nothing of this attempt ever ran. */
export type ReleaseProof = 'planned' | 'refused-sending';

/** What to do next. Every action but `look`, `wait` and `follow` changes the row, the gateway, or ends the run. */
export type Action =
  /** The row is closed, released or waits for a person: report what it says. */
  | { readonly kind: 'return' }
  /** Ask the gateway what it shows of these run ids. */
  | { readonly kind: 'look'; readonly runIds: readonly string[] }
  | { readonly kind: 'wait'; readonly reason: WaitReason; readonly forMs: number }
  /** Never ran, provably: the task goes back to the queue (or ends, when its cancel is requested). */
  | { readonly kind: 'release'; readonly proof: ReleaseProof; readonly reason: string }
  /** P23: the row says what is about to be sent, and where, before it is sent. */
  | {
      readonly kind: 'commit-sending';
      readonly runId: string;
      readonly bootId: string;
      readonly stateId: string;
    }
  /** The frame; only straight after its own commit. */
  | { readonly kind: 'send'; readonly runId: string; readonly bootId: string }
  /** `sending` becomes `accepted`: the gateway has, or shows, the run. */
  | { readonly kind: 'record-accepted'; readonly runId: string }
  /** A recovery run of the gateway carries the attempt on under its own run id. */
  | { readonly kind: 'adopt'; readonly runId: string; readonly ownRunId: string }
  /** Wait for the run's end, at most `forMs`, then look. */
  | { readonly kind: 'follow'; readonly runId: string; readonly forMs: number }
  /** P15: the rows are told what it has spent so far, for the budgets around it. */
  | { readonly kind: 'count-usage'; readonly runs: readonly RunSpending[] }
  | { readonly kind: 'collect'; readonly answer: RunAnswer }
  | { readonly kind: 'fail'; readonly failure: RunFailure }
  /** P28: a request to end goes to the row first, whoever makes it. */
  | { readonly kind: 'request-end'; readonly reason: CancelReason }
  /** Ask the gateway to end these runs, then look. */
  | { readonly kind: 'abort'; readonly runIds: readonly string[] }
  /** The gateway shows that nothing of the attempt executes any more: it ends as asked. */
  | { readonly kind: 'confirm-abort'; readonly reason: CancelReason }
  | {
      readonly kind: 'indeterminate';
      readonly reason: IndeterminateReason;
      /** What was seen, in words, for the person who decides. */
      readonly evidence: string;
      /** False only when the gateway was seen without anything of this attempt executing. */
      readonly keepLane: boolean;
    }
  /** An indeterminate attempt's run shows after all: the row goes back to `accepted`. */
  | { readonly kind: 'reappear' }
  /** An indeterminate attempt has nothing executing: its lane is free. */
  | { readonly kind: 'free-lane' };
