import { z } from 'zod';
import type { BudgetDto } from '../../src/contract/budgets.ts';
import { BUDGET_PERIODS, BUDGET_SCOPES } from '../../src/domain/budget.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, positiveCount, positiveUsd } from '../fields.ts';
import { age, money } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

const budgetArgument = {
  name: 'budget',
  help: 'fleet, tenant:<tenant>, session:<tenant>:<key>, swarm:<id> or pool:<pool>',
};

export const budgetList = defineCommand({
  path: ['budget', 'list'],
  summary: 'List budgets with what is spent and set aside',
  options: [
    { flags: '--tenant <tenant>', help: 'only those of this tenant' },
    { flags: '--scope <scope>', help: 'only this kind', choices: BUDGET_SCOPES },
    ...pageOptions,
  ],
  input: z.object({
    tenant: z.string().optional(),
    scope: z.enum(BUDGET_SCOPES).optional(),
    ...pageInput,
  }),
  run: async ({ limit, cursor, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.budgets.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns: () => COLUMNS,
      none: 'No budget is set: dashctl budget set --help',
    });
  },
});

export const budgetGet = defineCommand({
  path: ['budget', 'get'],
  summary: 'Show a budget',
  arguments: [budgetArgument],
  input: z.object({ budget: z.string() }),
  run: async ({ budget: budgetName }, context) => {
    const client = await context.client();
    const budget = await client.budgets.get({ params: { budgetName }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(budget, (print) => print.fields(fieldsOf(budget, nowMs)));
    return EXIT.ok;
  },
});

export const budgetSet = defineCommand({
  path: ['budget', 'set'],
  summary: 'Set a budget, or change it',
  details:
    'Work that would not fit waits (blocked), running work that uses it up is ended. pool:<pool> is what each task of ' +
    'the pool may spend that brings no budget of its own. What was counted stays, unless the period changes.',
  arguments: [budgetArgument],
  options: [
    { flags: '--usd <amount>', help: 'limit in USD, like 2.50' },
    { flags: '--tokens <n>', help: 'limit in tokens' },
    {
      flags: '--period <period>',
      help: 'when it counts anew, at midnight UTC (total: never)',
      choices: BUDGET_PERIODS,
    },
  ],
  examples: [
    'dashctl budget set fleet --usd 100 --period month',
    'dashctl budget set tenant:acme --tokens 2000000 --period day',
    'dashctl budget set pool:default --usd 0.50',
  ],
  input: z.object({
    budget: z.string(),
    usd: positiveUsd.optional(),
    tokens: positiveCount.optional(),
    period: z.enum(BUDGET_PERIODS).optional(),
  }),
  run: async ({ budget: budgetName, ...given }, context) => {
    if (given.usd === undefined && given.tokens === undefined) {
      throw new CliError({
        exitCode: EXIT.usage,
        code: 'usage',
        message: 'A limit is missing: give --usd, --tokens, or both.',
        hint: 'See: dashctl budget set --help',
      });
    }
    const client = await context.client();
    const budget = await client.budgets.put({
      params: { budgetName },
      body: defined(given),
      signal: context.signal,
    });
    const nowMs = context.clock.now();
    context.output.result(budget, (print) => print.fields(fieldsOf(budget, nowMs)));
    return EXIT.ok;
  },
});

export const budgetRemove = defineCommand({
  path: ['budget', 'remove'],
  summary: 'Remove a budget',
  details: 'Nothing limits any more what it surrounded, unless another budget does.',
  arguments: [budgetArgument],
  input: z.object({ budget: z.string() }),
  run: async ({ budget: budgetName }, context) => {
    const client = await context.client();
    const answer = await client.budgets.remove({ params: { budgetName }, signal: context.signal });
    context.output.result(answer, (print) => print.line(`Removed ${budgetName}.`));
    return EXIT.ok;
  },
});

function fieldsOf(budget: BudgetDto, nowMs: number): [string, string | number | null][] {
  return [
    ['budget', budget.name],
    ['tenant', budget.tenant],
    ['limit', words(budget.limit)],
    ['spent', budget.scope === 'pool' ? null : words(budget.spent)],
    ['set aside', budget.scope === 'pool' ? null : words(budget.reserved)],
    ['left', budget.scope === 'pool' ? null : words(budget.remaining)],
    ['period', budget.period],
    ['since', `${budget.periodStartedAt} (${age(budget.periodStartedAt, nowMs)})`],
    ['until', budget.periodEndsAt],
    ['tasks that wait for it', budget.blockedTasks],
  ];
}

const COLUMNS: readonly Column<BudgetDto>[] = [
  { title: 'BUDGET', value: ({ name }) => name, canShrink: true },
  { title: 'PERIOD', value: ({ period }) => period },
  { title: 'LIMIT', value: ({ limit }) => words(limit), align: 'right' },
  { title: 'SPENT', value: ({ spent, scope }) => counted(scope, spent), align: 'right' },
  { title: 'SET ASIDE', value: ({ reserved, scope }) => counted(scope, reserved), align: 'right' },
  { title: 'USED', value: usedWords, align: 'right' },
  { title: 'WAITING', value: ({ blockedTasks }) => blockedTasks, align: 'right' },
];

function counted(scope: BudgetDto['scope'], amounts: BudgetDto['spent']): string {
  return scope === 'pool' ? '-' : words(amounts);
}

/** The larger share of the two limits. */
function usedWords({ limit, spent, scope }: BudgetDto): string {
  if (scope === 'pool') return '-';
  const shares = [share(spent.usd, limit.usd), share(spent.tokens, limit.tokens)];
  return `${Math.floor(Math.max(...shares) * 100)} %`;
}

function share(spent: number, limit: number | null): number {
  return limit === null ? 0 : spent / limit;
}

function words({ usd, tokens }: BudgetDto['limit']): string {
  const parts = [
    ...(usd === null ? [] : [money(usd)]),
    ...(tokens === null ? [] : [`${tokens} tokens`]),
  ];
  return parts.join(', ');
}
