import type { Amounts, Budget, BudgetPeriod, BudgetScope } from '../domain/budget.ts';
import type { Database } from './database.ts';

/** A budget as it stands in its present period. */
export interface BudgetRecord {
  /** Place in lists. */
  readonly number: number;
  /** `fleet`, `tenant:<tenant>`, `session:<tenant>:<key>`, `swarm:<id>` or `pool:<pool>`. */
  readonly name: string;
  readonly scope: BudgetScope;
  /** Whose it is; null: it concerns all tenants. */
  readonly tenant: string | null;
  readonly limit: Budget;
  readonly spent: Amounts;
  /** Set aside for open attempts (P15). */
  readonly reserved: Amounts;
  /** What is neither spent nor set aside; null: no limit of this kind. */
  readonly remaining: Budget;
  /** 0, 80 or 100, as people were told; null: a pool's default is not counted. */
  readonly usedPercent: 0 | 80 | 100 | null;
  readonly period: BudgetPeriod;
  readonly periodStartedAt: string;
  /** Null: never. */
  readonly periodEndsAt: string | null;
  readonly blockedTasks: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface BudgetToPut extends Budget {
  readonly name: string;
  readonly scope: BudgetScope;
  readonly tenant: string | null;
  readonly period: BudgetPeriod;
  readonly actor: string;
}

/**
 * Makes a budget, or changes the one of this name. What was counted stays, unless the period becomes another one; a
 * new budget counts from now on. Tasks that it held back are let go within a second.
 */
export function putBudget(db: Database, budget: BudgetToPut): Promise<BudgetRecord> {
  return db.call('put_budget', budget);
}

/** False: there was none. */
export async function removeBudget(
  db: Database,
  options: { readonly name: string; readonly actor: string },
): Promise<boolean> {
  const { removed } = await db.call<{ removed: boolean }>('remove_budget', options);
  return removed;
}

/** Null: none of this name. */
export function getBudget(db: Database, name: string): Promise<BudgetRecord | null> {
  return db.call('get_budget', { name });
}

/** In the order in which they were made; `after` is the number of the last one of the page before. */
export function listBudgets(
  db: Database,
  options: {
    readonly tenant?: string;
    readonly scope?: BudgetScope;
    readonly after?: number;
    readonly limit: number;
  },
): Promise<BudgetRecord[]> {
  return db.call('list_budgets', options);
}

/** One entry of the ledger: what a run was found to have spent more than was known before. */
export interface SpendingRecord extends Amounts {
  readonly at: string;
  readonly attemptId: string;
  readonly runId: string;
  readonly gatewayId: string;
}

/** The ledger of a task, oldest first. */
export function taskSpending(db: Database, taskId: string): Promise<SpendingRecord[]> {
  return db.call('task_spending', { taskId });
}

const UNBLOCK_LIMIT = 100;

/**
 * Lets tasks go that waited for a budget and fit again (P15): at most one batch, so that what the next claims reserve
 * counts before more is let go. Answers how many.
 */
export async function unblockBudgets(db: Database): Promise<number> {
  const { unblocked } = await db.call<{ unblocked: number }>('unblock_budgets', {
    limit: UNBLOCK_LIMIT,
  });
  return unblocked;
}
