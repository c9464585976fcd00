import { z } from 'zod';
import { BUDGET_PERIODS, BUDGET_SCOPES } from '../domain/budget.ts';
import { periodicBudget } from '../domain/budget-schema.ts';
import { defineRoute } from './define-route.ts';
import {
  amounts,
  budgetLimit,
  budgetName,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  tenantName,
} from './fields.ts';

export const budget = z
  .object({
    name: budgetName,
    scope: z.enum(BUDGET_SCOPES),
    tenant: tenantName.nullable().meta({ description: 'null: it concerns all tenants' }),
    limit: budgetLimit,
    spent: amounts.meta({ description: 'In the present period, as the gateways showed it' }),
    reserved: amounts.meta({
      description: 'Set aside for attempts that have a limit of their own',
    }),
    remaining: budgetLimit.meta({ description: 'Neither spent nor set aside; null: no limit' }),
    usedPercent: z.int().nullable().meta({
      description: "0, 80 or 100, as the events tell; null: a pool's default is not counted",
    }),
    period: z.enum(BUDGET_PERIODS),
    periodStartedAt: moment,
    periodEndsAt: moment.nullable(),
    blockedTasks: z.int().meta({ description: 'Tasks that wait for it' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Budget' });
export type BudgetDto = z.infer<typeof budget>;

const budgetParams = z.object({ budgetName });

export const budgetRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/budgets',
    summary: 'List budgets',
    scope: 'budgets:read',
    query: z.strictObject({
      tenant: tenantName.optional(),
      scope: z.enum(BUDGET_SCOPES).optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: {
      200: { description: 'In the order they were made', schema: pageOf(budget, 'BudgetPage') },
    },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/budgets/{budgetName}',
    summary: 'Get a budget with what was spent and set aside',
    scope: 'budgets:read',
    params: budgetParams,
    responses: { 200: { description: 'The budget', schema: budget } },
    errors: ['budget-not-found'],
  }),
  put: defineRoute({
    method: 'PUT',
    path: '/api/v1/budgets/{budgetName}',
    summary: 'Set a budget',
    description:
      'Made, or changed: what was counted stays, unless the period becomes another one. A new budget counts from ' +
      'now on. `pool:<pool>` is what each task of the pool may spend that brings no budget of its own. Tasks that ' +
      'waited for it go on within a second, running ones that it does not allow any more are ended.',
    scope: 'budgets:write',
    reach: 'fleet',
    params: budgetParams,
    body: periodicBudget,
    responses: { 200: { description: 'As it stands now', schema: budget } },
    errors: ['swarm-not-found'],
  }),
  remove: defineRoute({
    method: 'DELETE',
    path: '/api/v1/budgets/{budgetName}',
    summary: 'Remove a budget',
    description: 'Nothing limits any more what it surrounded, unless another budget does.',
    scope: 'budgets:write',
    reach: 'fleet',
    params: budgetParams,
    responses: {
      200: { description: 'Removed', schema: z.object({ removed: z.literal(true) }) },
    },
    errors: ['budget-not-found'],
  }),
};
