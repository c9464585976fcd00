import { z } from 'zod';
import { defineRoute } from './define-route.ts';
import { moment, poolName } from './fields.ts';

export const pool = z
  .object({
    id: poolName,
    matchLabels: z.record(z.string(), z.string()).meta({
      description: 'Gateways with all of these labels belong to it; none asked: every gateway',
    }),
    createdAt: moment,
  })
  .meta({ id: 'Pool' });

export const poolRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/pools',
    summary: 'List pools',
    scope: 'pools:read',
    responses: { 200: { description: 'All pools', schema: z.object({ items: z.array(pool) }) } },
    errors: [],
  }),
};
