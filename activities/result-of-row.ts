import { assertNever } from '../src/domain/assert-never.ts';
import type { RunTaskResult } from '../src/domain/run-result.ts';
import { isTerminal } from '../src/domain/task.ts';
import type { AttemptRecord } from '../src/db/attempt-record.ts';

/**
 * What `runTask` answers when the row already says how the attempt ended (P21), whoever wrote it; null: it is still
 * to be run.
 */
export function resultOfRow(row: AttemptRecord): RunTaskResult | null {
  const { task } = row;
  switch (row.state) {
    case 'planned':
    case 'sending':
    case 'accepted':
      return null;
    case 'indeterminate':
      return { kind: 'indeterminate', reason: row.indeterminateReason ?? 'unexpected' };
    case 'released':
      return isTerminal(task.state)
        ? { kind: 'settled', state: task.state }
        : { kind: 'superseded' };
    case 'closed':
      if (isTerminal(task.state)) return { kind: 'settled', state: task.state };
      // Closed without an end of its task: as failed, or by a decision that put the task back into the queue.
      return row.outcome === 'failed' && row.failure !== null
        ? {
            kind: 'failed',
            failure: row.failure,
            attemptsUsed: task.attemptsUsed,
            maxAttempts: task.maxAttempts,
          }
        : { kind: 'superseded' };
    default:
      return assertNever(row.state);
  }
}
