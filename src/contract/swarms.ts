import { z } from 'zod';
import { checkGraph } from '../domain/swarm-graph.ts';
import { swarmSpecSchema } from '../domain/swarm-schema.ts';
import { TASK_STATES } from '../domain/task.ts';
import { budget } from './budgets.ts';
import { defineRoute } from './define-route.ts';
import {
  approvalId,
  commaList,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  scheduleId,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { taskFailure } from './task-dto.ts';
import { WHY_DESCRIPTION, whyResponses } from './why.ts';

export const SWARM_STATES = ['running', 'paused', 'completed', 'failed', 'cancelled'] as const;
export const SWARM_NODE_STATES = ['waiting', 'admitted', 'completed', 'failed', 'skipped'] as const;

export const swarm = z
  .object({
    id: swarmId,
    seq: z.int(),
    tenant: tenantName,
    name: z.string(),
    state: z.enum(SWARM_STATES),
    stateReason: z.string().nullable(),
    onFailure: z.enum(['fail-fast', 'continue']),
    maxParallel: z.int(),
    cancelRequested: z.boolean(),
    scheduleId: scheduleId.nullable(),
    nodeCounts: z.object({
      waiting: z.int(),
      admitted: z.int(),
      completed: z.int(),
      failed: z.int(),
      skipped: z.int(),
    }),
    workflowId: z.string(),
    correlationId: z.string(),
    createdAt: moment,
    finishedAt: moment.nullable(),
    budget: budget
      .nullable()
      .meta({ description: 'What its tasks together may spend, and have; null: it brought none' }),
  })
  .meta({ id: 'Swarm' });
export type Swarm = z.infer<typeof swarm>;

export const swarmNode = z
  .object({
    id: z.string(),
    kind: z
      .enum(['task', 'approval'])
      .meta({ description: 'approval: a step without a task, which a person completes' }),
    dependsOn: z.array(z.string()),
    state: z.enum(SWARM_NODE_STATES),
    taskId: taskId.nullable().meta({ description: 'null: not admitted' }),
    approvalId: approvalId.nullable().meta({ description: 'Of an approval step that was reached' }),
    taskState: z.enum(TASK_STATES).nullable(),
    taskFailure: taskFailure.nullable(),
    reason: z.string().nullable().meta({ description: 'Why it failed or was skipped' }),
  })
  .meta({ id: 'SwarmNode' });
export type SwarmNode = z.infer<typeof swarmNode>;

const swarmParams = z.object({ swarmId });
const swarmAnswer = z.object({ swarm });

export const swarmRoutes = {
  run: defineRoute({
    method: 'POST',
    path: '/api/v1/swarms',
    summary: 'Run a swarm',
    description:
      'The specification as in examples/*.yaml, written in JSON. Each strategy is expanded into one graph of tasks ' +
      'before the answer. Idempotency-Key as for tasks.',
    scope: 'swarms:write',
    body: swarmSpecSchema.meta({ id: 'SwarmSpec' }),
    bodyProblems: checkGraph,
    idempotencyKey: true,
    responses: {
      202: { description: 'Accepted', schema: z.object({ existing: z.literal(false), swarm }) },
      200: {
        description: 'Accepted before with this Idempotency-Key',
        schema: z.object({ existing: z.literal(true), swarm }),
      },
    },
    errors: ['tenant-not-allowed', 'idempotency-conflict', 'limit-reached'],
  }),
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/swarms',
    summary: 'List swarms, newest first',
    scope: 'swarms:read',
    query: z.strictObject({
      state: commaList(z.enum(SWARM_STATES)).optional(),
      tenant: tenantName.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'One page', schema: pageOf(swarm, 'SwarmPage') } },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/swarms/{swarmId}',
    summary: 'Get a swarm with its nodes',
    scope: 'swarms:read',
    params: swarmParams,
    responses: {
      200: { description: 'The swarm', schema: z.object({ swarm, nodes: z.array(swarmNode) }) },
    },
    errors: ['swarm-not-found'],
  }),
  why: defineRoute({
    method: 'GET',
    path: '/api/v1/swarms/{swarmId}/why',
    summary: 'Say why a swarm stands where it stands',
    description: WHY_DESCRIPTION,
    scope: 'swarms:read',
    params: swarmParams,
    responses: whyResponses,
    errors: ['swarm-not-found'],
  }),
  cancel: defineRoute({
    method: 'POST',
    path: '/api/v1/swarms/{swarmId}/cancel',
    summary: 'Cancel a swarm and its open tasks',
    description:
      'The wish is stored before the answer. A swarm that was cancelled before stays so.',
    scope: 'swarms:write',
    params: swarmParams,
    responses: { 202: { description: 'The cancel is stored', schema: swarmAnswer } },
    errors: ['swarm-not-found', 'swarm-ended'],
  }),
  pause: defineRoute({
    method: 'POST',
    path: '/api/v1/swarms/{swarmId}/pause',
    summary: 'Admit nothing more and hold what is queued',
    scope: 'swarms:write',
    params: swarmParams,
    responses: { 202: { description: 'Recorded', schema: swarmAnswer } },
    errors: ['swarm-not-found', 'swarm-ended', 'temporal-unavailable'],
  }),
  resume: defineRoute({
    method: 'POST',
    path: '/api/v1/swarms/{swarmId}/resume',
    summary: 'Go on after a pause',
    scope: 'swarms:write',
    params: swarmParams,
    responses: { 202: { description: 'Recorded', schema: swarmAnswer } },
    errors: ['swarm-not-found', 'swarm-ended', 'temporal-unavailable'],
  }),
  scale: defineRoute({
    method: 'POST',
    path: '/api/v1/swarms/{swarmId}/scale',
    summary: 'Change how many tasks of a swarm may be open at the same time',
    scope: 'swarms:write',
    params: swarmParams,
    body: z.strictObject({ maxParallel: z.int().min(1).max(1000) }),
    responses: { 202: { description: 'Recorded', schema: swarmAnswer } },
    errors: ['swarm-not-found', 'swarm-ended', 'temporal-unavailable'],
  }),
};
