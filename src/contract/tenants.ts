import { z } from 'zod';
import { defineRoute } from './define-route.ts';
import { moment, pageCursor, pageLimit, pageOf, tenantName } from './fields.ts';

const weight = z.int().min(1).max(1000).meta({
  description: 'Its share inside a priority, against other tenants that have work waiting there',
});
const ownBound = z
  .int()
  .min(1)
  .max(2_000_000_000)
  .nullable()
  .meta({ description: 'null: the limit of the installation for tenants' });

export const tenant = z
  .object({
    id: tenantName,
    weight,
    maxOpenTasks: ownBound,
    maxRunning: ownBound,
    openTasks: z.int(),
    running: z.int().meta({ description: 'Lanes that its tasks hold' }),
    createdAt: moment,
  })
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof tenant>;

const tenantParams = z.object({ tenant: tenantName });

export const tenantRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/tenants',
    summary: 'List tenants',
    scope: 'tenants:read',
    query: z.strictObject({ limit: pageLimit, cursor: pageCursor.optional() }),
    responses: { 200: { description: 'One page, by id', schema: pageOf(tenant, 'TenantPage') } },
    errors: [],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/tenants/{tenant}',
    summary: 'Get a tenant',
    scope: 'tenants:read',
    params: tenantParams,
    responses: { 200: { description: 'The tenant', schema: tenant } },
    errors: ['tenant-not-found'],
  }),
  put: defineRoute({
    method: 'PUT',
    path: '/api/v1/tenants/{tenant}',
    summary: 'Make a tenant, or change its share and its bounds',
    description: 'What is left out stays as it is. Holds from the next submit and claim on.',
    scope: 'tenants:write',
    reach: 'fleet',
    params: tenantParams,
    body: z
      .strictObject({
        weight: weight.optional(),
        maxOpenTasks: ownBound.optional(),
        maxRunning: ownBound.optional(),
      })
      .meta({ id: 'PutTenant' }),
    responses: { 200: { description: 'The tenant as it is now', schema: tenant } },
    errors: [],
  }),
};
