import { z } from 'zod';
import { ATTEMPT_STATES, INDETERMINATE_REASONS } from '../domain/attempt.ts';
import { TASK_STATES } from '../domain/task.ts';
import { defineRoute } from './define-route.ts';
import { event } from './event-dto.ts';
import {
  agentName,
  boundedText,
  commaList,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  poolName,
  priority,
  prompt,
  sessionKey,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { LIMITS } from './limits.ts';

/** What a client asks for; everything but the prompt has a default. */
export const submitTask = z
  .strictObject({
    prompt,
    tenant: tenantName
      .optional()
      .meta({ description: "Default: the API key's own tenant, else `default`" }),
    pool: poolName.default('default'),
    session: sessionKey.optional(),
    agent: agentName.default('main'),
    priority: priority.default('normal'),
    maxAttempts: z.int().min(1).max(100).default(3),
    runLimitSeconds: z
      .int()
      .min(1)
      .max(7 * 24 * 3600)
      .default(3600)
      .meta({ description: 'Longest time that one attempt may run' }),
    notBefore: moment.optional().meta({ description: 'Not to be started earlier' }),
    queueLimitSeconds: z
      .int()
      .min(1)
      .max(30 * 24 * 3600)
      .optional()
      .meta({ description: 'Expires when it could not be started within this time' }),
    deadline: moment.optional().meta({ description: 'Expires, running or not, at this moment' }),
    idempotent: z.boolean().default(false).meta({
      description:
        'Doing it twice does no harm: it may go to another gateway when the outcome of an attempt is unknown',
    }),
  })
  .meta({ id: 'SubmitTask' });
export type SubmitTask = z.input<typeof submitTask>;

export const usage = z
  .object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    totalTokens: z.number(),
    costUsd: z
      .number()
      .nullable()
      .meta({ description: 'As the gateway reckons it; null: it did not say' }),
  })
  .meta({ id: 'Usage' });

export const runFailure = z
  .object({
    runId: z.string(),
    class: z.enum(['transient', 'rate-limited', 'permanent', 'unknown']),
    message: z.string(),
    retryAfterMs: z.number().nullable(),
    aborted: z.boolean(),
    timedOut: z.boolean(),
  })
  .meta({ id: 'RunFailure' });

export const taskFailure = z
  .object({
    reason: z.enum(['attempts', 'permanent', 'discarded', 'budget', 'cancelled', 'expired']),
    message: z.string(),
    lastFailure: runFailure.nullable(),
  })
  .meta({ id: 'TaskFailure' });

/** A task as lists show it: without its texts. */
const summaryShape = {
  id: taskId,
  seq: z.int().meta({ description: 'Place in the order of acceptance' }),
  tenant: tenantName,
  pool: poolName,
  session: sessionKey.nullable(),
  agent: z.string(),
  priority,
  effectivePriority: priority.meta({ description: 'After inheritance within its session' }),
  state: z.enum(TASK_STATES),
  stateReason: z.string().nullable(),
  dueAt: moment.nullable(),
  queueExpiresAt: moment.nullable(),
  deadlineAt: moment.nullable(),
  runLimitSeconds: z.int(),
  maxAttempts: z.int(),
  attempts: z.int().meta({ description: 'Number of the last attempt' }),
  idempotent: z.boolean(),
  pinnedGateway: z.string().nullable(),
  swarmId: swarmId.nullable(),
  nodeId: z.string().nullable(),
  replayOf: taskId.nullable(),
  workflowId: z.string(),
  cancelRequested: z.enum(['cancelled', 'expired', 'budget']).nullable(),
  correlationId: z.string(),
  createdAt: moment,
  updatedAt: moment,
  finishedAt: moment.nullable(),
};
export const taskSummary = z.object(summaryShape).meta({ id: 'TaskSummary' });
export type TaskSummary = z.infer<typeof taskSummary>;

export const task = z
  .object({
    ...summaryShape,
    prompt: z.string(),
    output: z.string().nullable().meta({ description: 'The answer of a completed task' }),
    usage: usage.nullable(),
    failure: taskFailure.nullable(),
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof task>;

export const attempt = z
  .object({
    id: z.string(),
    number: z.int(),
    gatewayId: z.string(),
    state: z.enum(ATTEMPT_STATES),
    holdsLane: z.boolean(),
    runIds: z.array(z.string()).meta({ description: 'Own runs in the order of their sends' }),
    recoveryRunIds: z
      .array(z.string())
      .meta({ description: "Runs of the gateway's own recovery that were adopted" }),
    outcome: z.enum(['succeeded', 'failed', 'cancelled', 'expired', 'discarded']).nullable(),
    failure: runFailure.nullable(),
    indeterminateReason: z.enum(INDETERMINATE_REASONS).nullable(),
    evidence: z
      .unknown()
      .meta({ description: 'What was seen when the outcome could not be known; else null' }),
    usage: usage.nullable(),
    route: z.unknown().meta({ description: 'Why this gateway: score and reasons of the router' }),
    plannedAt: moment,
    sendingAt: moment.nullable(),
    acceptedAt: moment.nullable(),
    indeterminateAt: moment.nullable(),
    closedAt: moment.nullable(),
  })
  .meta({ id: 'Attempt' });
export type Attempt = z.infer<typeof attempt>;

const taskParams = z.object({ taskId });

export const decideTask = z
  .discriminatedUnion('decision', [
    z.strictObject({
      decision: z.literal('accept'),
      output: boundedText('output', LIMITS.outputBytes).nullable().default(null),
      attemptId: z.uuid().optional(),
    }),
    z.strictObject({ decision: z.literal('retry'), attemptId: z.uuid().optional() }),
    z.strictObject({ decision: z.literal('discard'), attemptId: z.uuid().optional() }),
  ])
  .meta({
    id: 'DecideTask',
    description:
      'attemptId, when given, must be the attempt that waits: it guards against deciding about a later one',
  });
export type DecideTask = z.input<typeof decideTask>;

export const taskRoutes = {
  submit: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks',
    summary: 'Submit a task',
    description:
      'Accepted work is stored before the answer; neither a gateway nor Temporal is needed for it. The same ' +
      'Idempotency-Key with the same body answers the same task (200), with another body 409.',
    scope: 'tasks:write',
    body: submitTask,
    idempotencyKey: true,
    responses: {
      202: { description: 'Accepted', schema: z.object({ existing: z.literal(false), task }) },
      200: {
        description: 'Accepted before with this Idempotency-Key',
        schema: z.object({ existing: z.literal(true), task }),
      },
    },
    errors: ['tenant-not-allowed', 'idempotency-conflict', 'limit-reached'],
  }),
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks',
    summary: 'List tasks, newest first',
    scope: 'tasks:read',
    query: z.strictObject({
      state: commaList(z.enum(TASK_STATES)).optional(),
      tenant: tenantName.optional(),
      pool: poolName.optional(),
      session: sessionKey.optional(),
      swarm: swarmId.optional(),
      priority: priority.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'One page', schema: pageOf(taskSummary, 'TaskPage') } },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks/{taskId}',
    summary: 'Get a task with its answer',
    scope: 'tasks:read',
    params: taskParams,
    responses: { 200: { description: 'The task', schema: task } },
    errors: ['task-not-found'],
  }),
  attempts: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks/{taskId}/attempts',
    summary: 'List the attempts of a task',
    scope: 'tasks:read',
    params: taskParams,
    responses: {
      200: { description: 'In their order', schema: z.object({ items: z.array(attempt) }) },
    },
    errors: ['task-not-found'],
  }),
  events: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks/{taskId}/events',
    summary: 'List the events of a task',
    scope: 'tasks:read',
    params: taskParams,
    query: z.strictObject({
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'Oldest first', schema: pageOf(event, 'TaskEventPage') } },
    errors: ['task-not-found'],
  }),
  cancel: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/cancel',
    summary: 'Cancel a task',
    description:
      'A waiting task ends at once (200). A dispatched one is aborted at its gateway and ends when that is ' +
      'confirmed (202). One that has ended stays as it is (200).',
    scope: 'tasks:write',
    params: taskParams,
    responses: {
      200: {
        description: 'The task has ended',
        schema: z.object({ result: z.enum(['cancelled', 'already-ended']), task }),
      },
      202: {
        description: 'The cancel is stored and under way',
        schema: z.object({ result: z.literal('requested'), task }),
      },
    },
    errors: ['task-not-found'],
  }),
  decide: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/decide',
    summary: 'Decide about an attempt whose outcome cannot be known',
    description:
      'accept takes the evidence (or the output given here) as the answer; retry and discard first abort what may ' +
      'still run.',
    scope: 'tasks:write',
    params: taskParams,
    body: decideTask,
    responses: { 202: { description: 'The decision is stored', schema: z.object({ task }) } },
    errors: ['task-not-found', 'nothing-to-decide'],
  }),
  replay: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/replay',
    summary: 'Replay a dead letter as a new task',
    description:
      'The new task names this one as replayOf. Asked again, the same new task is answered (200).',
    scope: 'tasks:write',
    params: taskParams,
    responses: {
      202: { description: 'The new task', schema: z.object({ existing: z.literal(false), task }) },
      200: {
        description: 'Replayed before',
        schema: z.object({ existing: z.literal(true), task }),
      },
    },
    errors: ['task-not-found', 'dead-letter-closed', 'limit-reached'],
  }),
  discard: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/discard',
    summary: 'Discard a dead letter',
    scope: 'tasks:write',
    params: taskParams,
    responses: {
      200: { description: 'The task; its dead letter is closed', schema: z.object({ task }) },
    },
    errors: ['task-not-found', 'dead-letter-closed'],
  }),
};
