import type { CancelReason, TerminalState } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { Settled } from './settle.ts';

export type CancelResult =
  /** It waited and has ended; `workflowId`: of the workflow that may wait for it (back-off), else null. */
  | (Settled & { readonly workflowId: string | null })
  /** It is dispatched: marked, and to be signalled. */
  | {
      readonly kind: 'requested';
      readonly reason: CancelReason;
      readonly attemptId: string | null;
      readonly workflowId: string;
      readonly gatewayId: string | null;
    }
  | { readonly kind: 'terminal'; readonly state: TerminalState }
  | { readonly kind: 'not-found' };

/**
 * The row that every cancel begins with (P28): a waiting task ends in this transaction, a dispatched one is marked,
 * once; the first reason stands. The signal that follows only hastens what the row already says.
 */
export function requestCancel(
  db: Database,
  options: { readonly taskId: string; readonly reason: CancelReason; readonly actor: string },
): Promise<CancelResult> {
  return db.call('request_cancel', options);
}
