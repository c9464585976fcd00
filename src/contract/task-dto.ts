import { z } from 'zod';
import { ATTEMPT_STATES, INDETERMINATE_REASONS } from '../domain/attempt.ts';
import { FAILURE_CLASSES } from '../domain/failure.ts';
import { approvalTerms, checkApprovalTerms } from '../domain/approval-schema.ts';
import { budgetLimits } from '../domain/budget-schema.ts';
import { EITHER_POOL_OR_REQUIREMENTS, requirements } from '../domain/requirements.ts';
import { TASK_DEFAULTS } from '../domain/task-defaults.ts';
import { TASK_STATES } from '../domain/task.ts';
import {
  agentName,
  approvalId,
  amounts,
  boundedText,
  budgetLimit,
  moment,
  namedMoment,
  poolName,
  priority,
  prompt,
  scheduleId,
  sessionKey,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { LIMITS } from './limits.ts';

/** A person's word before the task may start; `{}` asks whoever may write approvals, without end. */
const taskApproval = z
  .strictObject({
    prompt: boundedText('prompt', LIMITS.promptBytes)
      .min(1, 'must not be empty')
      .optional()
      .meta({ description: 'What the approvers are asked; default: the task itself' }),
    ...approvalTerms,
  })
  .check(checkApprovalTerms)
  .meta({
    id: 'TaskApproval',
    description: 'The task is held, in its place, until it is approved',
  });

/** What a client asks for; everything but the prompt has a default. `submitTask` is what is taken. */
const taskFields = z.strictObject({
  prompt,
  tenant: tenantName
    .optional()
    .meta({ description: "Default: the API key's own tenant, else `default`" }),
  pool: poolName.optional().meta({ description: 'Default: `default`' }),
  requirements: requirements.optional(),
  session: sessionKey.optional(),
  agent: agentName.default(TASK_DEFAULTS.agent),
  priority: priority.default(TASK_DEFAULTS.priority),
  maxAttempts: z.int().min(1).max(100).default(TASK_DEFAULTS.maxAttempts),
  runLimitSeconds: z
    .int()
    .min(1)
    .max(7 * 24 * 3600)
    .default(TASK_DEFAULTS.runLimitSeconds)
    .meta({ description: 'Longest time that one attempt may run' }),
  notBefore: namedMoment.optional().meta({ description: 'Not to be started earlier' }),
  queueLimitSeconds: z
    .int()
    .min(1)
    .max(30 * 24 * 3600)
    .optional()
    .meta({ description: 'Expires when it could not be started within this time' }),
  deadline: namedMoment.optional().meta({ description: 'Expires, running or not, at this moment' }),
  approval: taskApproval.optional(),
  budget: budgetLimits.optional().meta({
    description:
      'What all its attempts together may spend. Default: that of its pool, where there is one (GET /api/v1/budgets/pool:<pool>)',
  }),
  idempotent: z.boolean().default(TASK_DEFAULTS.idempotent).meta({
    description:
      'Doing it twice does no harm: it may go to another gateway when the outcome of an attempt is unknown',
  }),
});

const placedOnce = z.refine<{ readonly pool?: unknown; readonly requirements?: unknown }>(
  (task) => task.pool === undefined || task.requirements === undefined,
  { path: ['requirements'], error: EITHER_POOL_OR_REQUIREMENTS },
);

export const submitTask = taskFields.check(placedOnce).meta({ id: 'SubmitTask' });
/** A task of a schedule: the schedule has the tenant, and moments would be those of the first time only. */
export const scheduledTask = taskFields
  .omit({ tenant: true, notBefore: true, deadline: true })
  .check(placedOnce)
  .meta({ id: 'ScheduledTask' });
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
    class: z.enum(FAILURE_CLASSES),
    message: z.string(),
    retryAfterMs: z.number().nullable(),
    aborted: z.boolean(),
    timedOut: z.boolean(),
  })
  .meta({ id: 'RunFailure' });

export const taskFailure = z
  .object({
    reason: z.enum([
      'attempts',
      'permanent',
      'discarded',
      'budget',
      'cancelled',
      'rejected',
      'expired',
    ]),
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
  requirements: requirements
    .nullable()
    .meta({ description: 'What was asked for instead of a pool; null: the pool was named' }),
  session: sessionKey.nullable(),
  agent: z.string(),
  priority,
  raisedPriority: priority
    .nullable()
    .meta({ description: 'Raised to this by a bump or by ageing; null: never' }),
  effectivePriority: priority.meta({
    description: 'After raises and inheritance within its session: the order of claims',
  }),
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
  approvalId: approvalId.nullable().meta({ description: 'Of a task that needs or needed one' }),
  scheduleId: scheduleId.nullable(),
  workflowId: z.string(),
  cancelRequested: z.enum(['cancelled', 'expired', 'budget']).nullable(),
  correlationId: z.string(),
  createdAt: moment,
  updatedAt: moment,
  finishedAt: moment.nullable(),
  budget: budgetLimit.nullable().meta({ description: 'Its own; null: it brought none' }),
  spent: amounts.meta({ description: 'By all its attempts' }),
  blockedOn: z
    .string()
    .nullable()
    .meta({ description: 'In state blocked, reason budget: the budget that has no room for it' }),
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
    limit: budgetLimit.meta({ description: 'What it may spend: the rest of its task' }),
    route: z.unknown().meta({ description: 'Why this gateway: score and reasons of the router' }),
    plannedAt: moment,
    sendingAt: moment.nullable(),
    acceptedAt: moment.nullable(),
    indeterminateAt: moment.nullable(),
    closedAt: moment.nullable(),
    releaseReason: z.string().nullable().meta({ description: 'Why it was given up before it ran' }),
    decision: z
      .object({ decision: z.enum(['accept', 'retry', 'discard']), actor: z.string(), at: moment })
      .nullable()
      .meta({ description: 'What a person decided about it' }),
  })
  .meta({ id: 'Attempt' });
export type Attempt = z.infer<typeof attempt>;

/** What a replay does otherwise than the task that died; what is left out stays. */
export const replayEdits = z
  .strictObject({
    prompt: prompt.optional(),
    pool: poolName.optional(),
    agent: agentName.optional(),
    priority: priority.optional(),
    maxAttempts: z.int().min(1).max(100).optional(),
    runLimitSeconds: z
      .int()
      .min(1)
      .max(7 * 24 * 3600)
      .optional(),
  })
  .meta({ id: 'ReplayEdits' });
export type ReplayEdits = z.input<typeof replayEdits>;

/** Why something was done, for whoever reads it later. */
export const note = z.string().min(1).max(1_000).meta({ description: 'Kept with it' });
/** One entry of the ledger. */
export const spending = z
  .object({
    at: moment,
    attemptId: z.string(),
    runId: z.string(),
    gatewayId: z.string(),
    usd: z.number(),
    tokens: z.number(),
  })
  .meta({ id: 'Spending' });

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
