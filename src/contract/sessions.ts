import { z } from 'zod';
import { defineRoute } from './define-route.ts';
import {
  gatewayName,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  sessionKey,
  tenantName,
} from './fields.ts';
import { taskSummary } from './task-dto.ts';
import { WHY_DESCRIPTION, whyResponses } from './why.ts';

export const session = z
  .object({
    key: sessionKey,
    tenant: tenantName,
    gatewayId: z
      .string()
      .nullable()
      .meta({ description: 'Where it lives; null: its first task was not claimed yet' }),
    openTasks: z.int(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof session>;

export const sessionRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/sessions',
    summary: 'List sessions',
    scope: 'sessions:read',
    query: z.strictObject({
      tenant: tenantName.optional(),
      gateway: gatewayName.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'One page', schema: pageOf(session, 'SessionPage') } },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/sessions/{sessionKey}',
    summary: 'Get a session',
    scope: 'sessions:read',
    params: z.object({ sessionKey }),
    query: z.strictObject({ tenant: tenantName.optional() }),
    responses: {
      200: {
        description: 'The session with its open tasks in their order',
        schema: z.object({ session, tasks: z.array(taskSummary) }),
      },
    },
    errors: ['session-not-found', 'tenant-not-allowed'],
  }),
  why: defineRoute({
    method: 'GET',
    path: '/api/v1/sessions/{sessionKey}/why',
    summary: 'Say why a session stands where it stands',
    description: WHY_DESCRIPTION,
    scope: 'sessions:read',
    params: z.object({ sessionKey }),
    query: z.strictObject({ tenant: tenantName.optional() }),
    responses: whyResponses,
    errors: ['session-not-found', 'tenant-not-allowed'],
  }),
};
