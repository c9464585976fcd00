import type { Usage } from './failure.ts';
import type { LookSeen } from './look.ts';

/** What may be spent; null: no limit of this kind. At least one is set. */
export interface Budget {
  readonly usd: number | null;
  readonly tokens: number | null;
}

/** What was spent, or is set aside. */
export interface Amounts {
  readonly usd: number;
  readonly tokens: number;
}

/** What a budget surrounds; `pool`: what each task of the pool may spend that brings no budget of its own. */
export const BUDGET_SCOPES = ['fleet', 'tenant', 'session', 'swarm', 'pool'] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** Days and months begin at midnight UTC. */
export const BUDGET_PERIODS = ['total', 'day', 'month'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** What the host of an attempt watches while it runs. */
export interface AttemptBudget extends Budget {
  /** The surrounding budget that is used up for this attempt; null: none. */
  readonly gone: string | null;
}

/** What one run of an attempt has spent so far, as its gateway shows it. */
export interface RunSpending {
  readonly runId: string;
  readonly totalTokens: number;
  readonly costUsd: number;
}

/** No run spends more: what is beyond is a gateway's slip of the pen, and must not keep its end from being written. */
const MAX_TOKENS = 1e12;
const MAX_USD = 1e9;

/** A usage as it is counted: whole tokens, no cost where the gateway names none, nothing negative or absurd. */
export function spendingOf(runId: string, usage: Usage): RunSpending {
  return {
    runId,
    totalTokens: Math.round(within(usage.totalTokens, MAX_TOKENS)),
    costUsd: Number(within(usage.costUsd ?? 0, MAX_USD).toFixed(9)),
  };
}

function within(value: number, max: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, 0), max) : 0;
}

/** What every run of an attempt has spent, as a look shows it. */
export function spendingSeen({ own, recoveries }: LookSeen): readonly RunSpending[] {
  return [...own, ...recoveries].flatMap(({ runId, usage }) =>
    usage === null ? [] : [spendingOf(runId, usage)],
  );
}

/** The usage of all runs of an attempt together; null: the gateway shows none. */
export function usageSeen({ own, recoveries }: LookSeen): Usage | null {
  return [...own, ...recoveries].reduce<Usage | null>(
    (sum, { usage }) => addUsage(sum, usage),
    null,
  );
}

export function addUsage(left: Usage | null, right: Usage | null): Usage | null {
  if (left === null) return right;
  if (right === null) return left;
  const cost = (left.costUsd ?? 0) + (right.costUsd ?? 0);
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    totalTokens: left.totalTokens + right.totalTokens,
    costUsd: left.costUsd === null && right.costUsd === null ? null : cost,
  };
}

export function sumOf(runs: readonly RunSpending[]): Amounts {
  return {
    usd: runs.reduce((sum, run) => sum + run.costUsd, 0),
    tokens: runs.reduce((sum, run) => sum + run.totalTokens, 0),
  };
}

/** Whether this much uses up the budget: it ends with its last cent, not behind it. */
export function usesUp(budget: Budget, spent: Amounts): boolean {
  return (
    (budget.usd !== null && spent.usd >= budget.usd) ||
    (budget.tokens !== null && spent.tokens >= budget.tokens)
  );
}

/** The limits in words, for people: `0.50 USD and 10000 tokens`. */
export function budgetWords({ usd, tokens }: Budget): string {
  const parts = [
    ...(usd === null ? [] : [`${usd} USD`]),
    ...(tokens === null ? [] : [`${tokens} tokens`]),
  ];
  return parts.join(' and ');
}

const NAME = '[a-z0-9-]{1,40}';
const FORMS: Readonly<Record<BudgetScope, RegExp>> = {
  fleet: /^fleet$/,
  tenant: new RegExp(`^tenant:(${NAME})$`),
  session: new RegExp(`^session:(${NAME}):[a-z0-9._-]{1,100}$`),
  swarm: /^swarm:[a-z0-9_-]{1,100}$/,
  pool: new RegExp(`^pool:${NAME}$`),
};

/** How budgets are named. */
export const BUDGET_NAME_FORMS =
  'fleet, tenant:<tenant>, session:<tenant>:<key>, swarm:<id> or pool:<pool>';

/** What a budget's name says; null: it is none. `tenant`: whose it is, where the name says so. */
export function readBudgetName(name: string): {
  readonly scope: BudgetScope;
  readonly tenant: string | null;
  readonly subject: string;
} | null {
  for (const scope of BUDGET_SCOPES) {
    const match = FORMS[scope].exec(name);
    if (match !== null) {
      return { scope, tenant: match[1] ?? null, subject: name.slice(scope.length + 1) };
    }
  }
  return null;
}
