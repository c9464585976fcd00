import { z } from 'zod';
import { defineRoute } from './define-route.ts';
import {
  agentName,
  commaList,
  gatewayName,
  moment,
  namedMoment,
  pageCursor,
  pageLimit,
  pageOf,
  poolName,
  priority,
  sessionKey,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { attempt, task } from './task-dto.ts';
import { FAILURE_CLASSES } from '../domain/failure.ts';

const state = z.enum(['open', 'replayed', 'discarded']);
export const DEAD_LETTER_REASONS = ['attempts', 'permanent', 'discarded', 'budget'] as const;
const reason = z.enum(DEAD_LETTER_REASONS);
const failureClass = z.enum(FAILURE_CLASSES);

export const deadLetter = z
  .object({
    taskId,
    tenant: tenantName,
    pool: poolName,
    session: sessionKey.nullable(),
    swarmId: swarmId.nullable(),
    agent: agentName,
    priority,
    reason: z.string().meta({ description: 'Why nothing more was tried' }),
    message: z.string().nullable(),
    failureClass: failureClass.nullable().meta({ description: 'Of the last run that failed' }),
    gatewayId: z.string().nullable().meta({ description: 'Of the last attempt' }),
    attempts: z.int().meta({ description: 'Those that were not released' }),
    state,
    note: z.string().nullable().meta({ description: 'Of whoever discarded it' }),
    replayTaskId: taskId.nullable(),
    bulkId: z.string().nullable().meta({ description: 'The bulk operation that closed it' }),
    createdAt: moment,
    resolvedAt: moment.nullable(),
    resolvedBy: z.string().nullable(),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetter>;

/** The filter of lists and of bulk operations: as a query its lists are separated by commas. */
export const deadLetterQuery = {
  state: commaList(state).optional(),
  reason: commaList(reason).optional(),
  tenant: tenantName.optional(),
  pool: poolName.optional(),
  session: sessionKey.optional(),
  swarm: swarmId.optional(),
  gateway: gatewayName.optional().meta({ description: 'Of the last attempt' }),
  failureClass: commaList(failureClass).optional(),
  from: namedMoment.optional().meta({ description: 'Dead at this moment or later' }),
  to: namedMoment.optional().meta({ description: 'Dead before this moment' }),
};
const deadLetterQuerySchema = z.strictObject(deadLetterQuery);
export type DeadLetterQuery = z.output<typeof deadLetterQuerySchema>;

export const deadLetterRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/dead-letters',
    summary: 'List dead letters, newest task first',
    scope: 'tasks:read',
    query: z.strictObject({
      ...deadLetterQuery,
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'One page', schema: pageOf(deadLetter, 'DeadLetterPage') } },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/dead-letters/{taskId}',
    summary: 'Get a dead letter with its task and every attempt',
    scope: 'tasks:read',
    params: z.object({ taskId }),
    responses: {
      200: {
        description: 'The letter; each attempt with its error, gateway, times, runs and evidence',
        schema: z.object({ deadLetter, task, attempts: z.array(attempt) }),
      },
    },
    errors: ['task-not-found', 'dead-letter-closed'],
  }),
};
