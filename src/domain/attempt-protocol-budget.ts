import type { Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';
import { spendingSeen, sumOf, usesUp } from './budget.ts';
import type { LookSeen } from './look.ts';

/**
 * P15 for an attempt that executes: it ends when its own limit is spent or what surrounds it is used up, so that at
 * most the model call that is under way then goes beyond; else the rows are told what it has spent. Null: nothing
 * limits it, or nothing is new.
 */
export function watchBudget({ facts, memory }: Situation, look: LookSeen): Action | null {
  const { budget } = facts;
  if (budget === null || facts.cancelRequested !== null) return null;
  const runs = spendingSeen(look);
  const spent = sumOf(runs);
  if (budget.gone !== null || usesUp(budget, spent)) {
    return { kind: 'request-end', reason: 'budget' };
  }
  const isNew = spent.tokens > memory.counted.tokens || spent.usd > memory.counted.usd;
  return isNew ? { kind: 'count-usage', runs } : null;
}
