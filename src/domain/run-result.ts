import type { IndeterminateReason } from './attempt.ts';
import type { RunFailure } from './failure.ts';
import type { TerminalState } from './task.ts';

/** What `taskWorkflow` hands to `runTask`, scheduled on the queue of the attempt's gateway. */
export interface RunTaskInput {
  readonly taskId: string;
  readonly attemptId: string;
}

/** How `runTask` returns. The attempt row is written before it returns; the workflow decides what follows. */
export type RunTaskResult =
  /** The task ended: whatever this or another caller settled first. */
  | { readonly kind: 'settled'; readonly state: TerminalState }
  /** The attempt never ran (released): another claim will follow. */
  | { readonly kind: 'superseded' }
  /** The attempt is closed as failed, its lane is free; `attemptsUsed` counts all that were not released. */
  | {
      readonly kind: 'failed';
      readonly failure: RunFailure;
      readonly attemptsUsed: number;
      readonly maxAttempts: number;
    }
  /** Nobody but a person can say how it ended; the attempt stays open. */
  | { readonly kind: 'indeterminate'; readonly reason: IndeterminateReason };

/** `abortAttempt`: ends whatever of this attempt may still execute, and says whether the gateway confirmed it. */
export type AbortResult =
  { readonly kind: 'confirmed' } | { readonly kind: 'unconfirmed'; readonly message: string };
