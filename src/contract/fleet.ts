import { z } from 'zod';
import { GATEWAY_STATES } from '../domain/gateway.ts';
import { TASK_STATES } from '../domain/task.ts';
import { defineRoute } from './define-route.ts';
import { moment } from './fields.ts';

const bound = z.int().min(1).max(2_000_000_000);

const limits = {
  maxOpenTasks: bound.meta({ description: 'Open tasks in total' }),
  maxOpenTasksPerTenant: bound
    .nullable()
    .meta({ description: 'Open tasks of a tenant without a bound of its own; null: none' }),
  maxOpenTasksPerPool: bound.nullable().meta({ description: 'Open tasks of a pool; null: none' }),
  maxRunningTotal: bound
    .nullable()
    .meta({ description: 'Lanes held at the same time in total; null: as many as there are' }),
  maxRunningPerTenant: bound.nullable().meta({
    description: 'Lanes held at the same time by a tenant without a cap of its own; null: none',
  }),
  ageingSeconds: z
    .int()
    .min(1)
    .max(365 * 86_400)
    .meta({
      description: 'After so long in the queue a task is raised by one level, never above high',
    }),
};

export const fleet = z
  .object({
    paused: z.boolean().meta({ description: 'true: nothing is claimed; what runs goes on' }),
    pausedAt: moment.nullable(),
    pausedBy: z.string().nullable(),
    pauseReason: z.string().nullable(),
    limits: z.object(limits),
    counts: z.object({
      openTasks: z.int(),
      tasks: z
        .partialRecord(z.enum(TASK_STATES), z.int())
        .meta({ description: 'Open tasks by state' }),
      heldLanes: z.int(),
      freeLanes: z.int().meta({ description: 'Of gateways that may be given work now' }),
      gateways: z.partialRecord(z.enum(GATEWAY_STATES), z.int()),
    }),
  })
  .meta({ id: 'Fleet' });
export type Fleet = z.infer<typeof fleet>;

const command = z
  .strictObject({
    reason: z.string().max(500).default('').meta({ description: 'For the audit trail' }),
  })
  .meta({ id: 'FleetCommand' });
const answer = { 200: { description: 'The fleet as it is now', schema: fleet } };

export const fleetRoutes = {
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/fleet',
    summary: 'Show the fleet: its brake, its limits, what it has to do',
    scope: 'fleet:read',
    reach: 'fleet',
    responses: answer,
    errors: [],
  }),
  limits: defineRoute({
    method: 'PUT',
    path: '/api/v1/fleet/limits',
    summary: 'Set bounds, caps and the ageing interval',
    description: 'What is left out stays as it is. Holds from the next submit and claim on.',
    scope: 'fleet:write',
    reach: 'fleet',
    body: z.strictObject(limits).partial().meta({ id: 'PutLimits' }),
    responses: answer,
    errors: [],
  }),
  pause: defineRoute({
    method: 'POST',
    path: '/api/v1/fleet/pause',
    summary: 'Claim nothing more; what runs goes on',
    description: 'When this answers, no claim is under way any more. Submits are accepted.',
    scope: 'fleet:write',
    reach: 'fleet',
    body: command,
    responses: answer,
    errors: [],
  }),
  resume: defineRoute({
    method: 'POST',
    path: '/api/v1/fleet/resume',
    summary: 'Claim again after a pause',
    scope: 'fleet:write',
    reach: 'fleet',
    body: command,
    responses: answer,
    errors: [],
  }),
};
