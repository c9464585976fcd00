import type { TerminalState } from './task.ts';

/**
 * Where a dispatched task stands, as its row says: what every control activity of `taskWorkflow` answers, so that
 * the workflow goes on from what stands and never from what it hoped for (P20).
 */
export type TaskStep =
  /** An open attempt is to be run, or followed. */
  | { readonly kind: 'dispatched'; readonly attemptId: string; readonly gatewayId: string }
  /** Back in the queue: the next claim signals. */
  | { readonly kind: 'waits' }
  /** Its last attempt failed; after `forMs` (at least 1) it goes back into the queue. */
  | { readonly kind: 'backing-off'; readonly attemptId: string; readonly forMs: number }
  /** The outcome of this attempt cannot be known; a person is asked. */
  | {
      readonly kind: 'deciding';
      readonly attemptId: string;
      readonly gatewayId: string;
      /** A cancel was asked for meanwhile: it decides in the person's place (P28). */
      readonly discard: boolean;
    }
  | { readonly kind: 'settled'; readonly state: TerminalState };
