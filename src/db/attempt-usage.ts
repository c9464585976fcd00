import type { AttemptBudget, RunSpending } from '../domain/budget.ts';
import type { AttemptStands } from './attempt-run.ts';
import type { Database } from './database.ts';

export type CountResult =
  { readonly kind: 'ok'; readonly budget: AttemptBudget | null } | AttemptStands;

/**
 * Enters what the runs of an open attempt have spent so far (P15): counted once however often it is told, in the task
 * and in every budget around it. Answers what the attempt may still do.
 */
export function countUsage(
  db: Database,
  options: {
    readonly attemptId: string;
    readonly ownerEpoch: number;
    readonly runs: readonly RunSpending[];
  },
): Promise<CountResult> {
  return db.call('count_usage', options);
}
