import { z } from 'zod';
import { INDETERMINATE_REASONS } from '../domain/attempt.ts';
import { defineRoute } from './define-route.ts';
import {
  gatewayName,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  poolName,
  sessionKey,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';

export const waitingDecision = z
  .object({
    taskId,
    attemptId: z.string(),
    attemptNumber: z.int(),
    tenant: tenantName,
    pool: poolName,
    session: sessionKey.nullable().meta({ description: 'Stands still until this is decided' }),
    swarmId: swarmId.nullable(),
    gatewayId: z.string(),
    holdsLane: z
      .boolean()
      .meta({ description: 'The gateway has not shown yet that nothing of it executes' }),
    reason: z.enum(INDETERMINATE_REASONS),
    evidence: z.unknown().meta({ description: 'What was seen' }),
    since: moment,
    expiresAt: moment
      .nullable()
      .meta({ description: 'Discarded then unless somebody decides; null: it waits' }),
    runIds: z.array(z.string()),
    recoveryRunIds: z.array(z.string()),
    cancelRequested: z.enum(['cancelled', 'expired', 'budget']).nullable(),
    decision: z
      .object({ decision: z.enum(['accept', 'retry', 'discard']), actor: z.string(), at: moment })
      .nullable()
      .meta({ description: 'Taken, and not carried out yet' }),
  })
  .meta({ id: 'WaitingDecision' });
export type WaitingDecision = z.infer<typeof waitingDecision>;

export const decisionRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/decisions',
    summary: 'List what waits for the decision of a person',
    description: 'Decide with POST /api/v1/tasks/{taskId}/decide.',
    scope: 'tasks:read',
    query: z.strictObject({
      tenant: tenantName.optional(),
      gateway: gatewayName.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: {
      200: {
        description: 'In the order of acceptance',
        schema: pageOf(waitingDecision, 'DecisionPage'),
      },
    },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/decisions/{taskId}',
    summary: 'Get what a task waits to have decided, with the evidence',
    scope: 'tasks:read',
    params: z.object({ taskId }),
    responses: { 200: { description: 'What was seen', schema: waitingDecision } },
    errors: ['task-not-found', 'nothing-to-decide'],
  }),
};
