import { z } from 'zod';
import { defineRoute } from './define-route.ts';
import { label, labels, moment, poolName, regionName, tenantName } from './fields.ts';

const selection = {
  matchLabels: labels.meta({ description: 'Its gateways have all of these labels' }),
  matchRegions: z
    .array(regionName)
    .nullable()
    .meta({ description: 'Its gateways are in one of these regions; null: anywhere' }),
  matchCapabilities: z
    .array(label)
    .meta({ description: 'Its gateways have all of these capabilities' }),
  allowedTenants: z
    .array(tenantName)
    .nullable()
    .meta({ description: 'Whose work it takes; null: every tenant’s' }),
};

export const pool = z
  .object({
    id: poolName,
    ...selection,
    gateways: z.int().meta({ description: 'How many gateways belong to it now' }),
    createdAt: moment,
  })
  .meta({ id: 'Pool' });
export type Pool = z.infer<typeof pool>;

export const putPool = z
  .strictObject({
    matchLabels: labels.default({}),
    matchRegions: z.array(regionName).min(1).max(100).nullable().default(null),
    matchCapabilities: z.array(label).max(100).default([]),
    allowedTenants: z.array(tenantName).min(1).max(1000).nullable().default(null),
  })
  .meta({
    id: 'PutPool',
    description: 'What is left out is not asked: a pool that asks for nothing has every gateway',
  });

const poolParams = z.object({ pool: poolName });

export const poolRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/pools',
    summary: 'List pools',
    scope: 'pools:read',
    responses: { 200: { description: 'By id', schema: z.object({ items: z.array(pool) }) } },
    errors: [],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/pools/{pool}',
    summary: 'Get a pool',
    scope: 'pools:read',
    params: poolParams,
    responses: { 200: { description: 'The pool', schema: pool } },
    errors: ['pool-not-found'],
  }),
  put: defineRoute({
    method: 'PUT',
    path: '/api/v1/pools/{pool}',
    summary: 'Make a pool, or replace what it selects',
    description:
      'Gateways follow at once. Tasks stay in the pool that they were accepted for; those of a tenant that it takes ' +
      'no more wait.',
    scope: 'pools:write',
    reach: 'fleet',
    params: poolParams,
    body: putPool,
    responses: { 200: { description: 'The pool as it is now', schema: pool } },
    errors: [],
  }),
  delete: defineRoute({
    method: 'DELETE',
    path: '/api/v1/pools/{pool}',
    summary: 'Delete a pool without open work',
    scope: 'pools:write',
    reach: 'fleet',
    params: poolParams,
    responses: { 200: { description: 'Deleted', schema: z.object({ deleted: poolName }) } },
    errors: ['pool-not-found', 'pool-in-use'],
  }),
};
