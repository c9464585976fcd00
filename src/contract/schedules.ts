import { z } from 'zod';
import type { InputProblem } from '../domain/input-problems.ts';
import {
  OVERLAP_POLICIES,
  SCHEDULE_BOUNDS,
  SCHEDULE_DEFAULTS,
  timingProblems,
} from '../domain/schedule.ts';
import { checkGraph } from '../domain/swarm-graph.ts';
import { TASK_STATES } from '../domain/task.ts';
import { defineRoute } from './define-route.ts';
import {
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  scheduleId,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { SWARM_STATES, swarmRoutes } from './swarms.ts';
import { scheduledTask } from './task-dto.ts';

const scheduledSwarm = swarmRoutes.run.body;

const { everySeconds: every, catchupSeconds: catchup } = SCHEDULE_BOUNDS;
const fields = {
  name: z.string().min(1, 'the name is empty').max(200),
  task: scheduledTask.optional(),
  swarm: scheduledSwarm.optional(),
  cron: z
    .string()
    .max(200)
    .optional()
    .meta({
      description:
        'minute hour day-of-month month day-of-week, or @hourly, @daily, @weekly, @monthly, @yearly. ' +
        'When both days are given, both must fit',
      example: '30 6 * * MON-FRI',
    }),
  everySeconds: z.int().min(every.least).max(every.most).optional().meta({
    description: 'Interval, counted from 1970-01-01T00:00:00Z; instead of cron',
  }),
  timeZone: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'IANA time zone of cron; default UTC', example: 'Europe/Berlin' }),
  overlap: z
    .enum(OVERLAP_POLICIES)
    .optional()
    .meta({
      description: `While the work of an earlier firing has not ended; default ${SCHEDULE_DEFAULTS.overlap}`,
    }),
  catchupSeconds: z
    .int()
    .min(catchup.least)
    .max(catchup.most)
    .optional()
    .meta({
      description: `Firings that were missed are made up for when they are no older; default ${SCHEDULE_DEFAULTS.catchupSeconds}`,
    }),
  note: z.string().max(1000).nullable().optional(),
};

const createSchedule = z
  .strictObject({
    ...fields,
    tenant: tenantName
      .optional()
      .meta({ description: "Default: the API key's own tenant, else `default`" }),
    paused: z.boolean().default(false),
  })
  .meta({ id: 'CreateSchedule' });
export type CreateSchedule = z.input<typeof createSchedule>;

const updateSchedule = z
  .strictObject({ ...fields, name: fields.name.optional() })
  .meta({ id: 'UpdateSchedule', description: 'What is left out stays as it is' });

function createProblems(body: unknown): readonly InputProblem[] {
  const written = recordOf(body);
  const missing =
    written['task'] === undefined && written['swarm'] === undefined
      ? [{ path: ['task'], message: 'is missing: give either task or swarm' }]
      : [];
  return [...missing, ...workProblems(written), ...timingProblems(written)];
}

function updateProblems(body: unknown): readonly InputProblem[] {
  const written = recordOf(body);
  const { cron, everySeconds } = written;
  // What is left out may stand in the row; the whole is looked at when it is known.
  const timing = cron === undefined && everySeconds === undefined ? [] : timingProblems(written);
  return [...workProblems(written), ...timing];
}

function workProblems(written: Readonly<Record<string, unknown>>): readonly InputProblem[] {
  const { task, swarm } = written;
  const problems: InputProblem[] = [];
  if (task !== undefined && swarm !== undefined) {
    problems.push({ path: ['swarm'], message: 'must not stand beside task: give one of the two' });
  }
  if (recordOf(swarm)['tenant'] !== undefined) {
    problems.push({ path: ['swarm', 'tenant'], message: 'is that of the schedule: leave it out' });
  }
  const graph = swarm === undefined ? [] : checkGraph(swarm);
  return [
    ...problems,
    ...graph.map(({ path, message }) => ({ path: ['swarm', ...path], message })),
  ];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export const schedule = z
  .object({
    id: scheduleId,
    tenant: tenantName,
    name: z.string(),
    task: z.unknown().meta({ description: 'As it was written; null: it starts swarms' }),
    swarm: z.unknown().meta({ description: 'As it was written; null: it submits tasks' }),
    cron: z.string().nullable(),
    everySeconds: z.int().nullable(),
    timeZone: z.string(),
    overlap: z.enum(OVERLAP_POLICIES),
    catchupSeconds: z.int(),
    paused: z.boolean(),
    note: z.string().nullable(),
    revision: z.int().meta({ description: 'Counts the changes' }),
    problem: z
      .string()
      .nullable()
      .meta({ description: 'Why Temporal does not take it; null: nothing is known against it' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof schedule>;

export const scheduleFiring = z
  .object({
    scheduledAt: moment.nullable().meta({ description: 'null: a person asked for it' }),
    firedAt: moment,
    trigger: z.enum(['time', 'person']),
    workflowId: z.string().nullable(),
    taskId: taskId.nullable(),
    swarmId: swarmId.nullable(),
    state: z.enum([...TASK_STATES, ...SWARM_STATES]).nullable(),
    refusal: z.string().nullable().meta({ description: 'Why nothing was admitted' }),
  })
  .meta({ id: 'ScheduleFiring' });
export type ScheduleFiring = z.infer<typeof scheduleFiring>;

const upcoming = z
  .object({
    next: z.array(moment).meta({ description: 'The next times; none while it is paused' }),
    skippedByOverlap: z.int().meta({ description: 'Firings left out so far, by overlap policy' }),
    missedCatchup: z.int().meta({ description: 'Firings too old to be made up for, so far' }),
  })
  .meta({ id: 'ScheduleUpcoming' });

const scheduleParams = z.object({ scheduleId });
const answer = z.object({ schedule });

export const scheduleRoutes = {
  create: defineRoute({
    method: 'POST',
    path: '/api/v1/schedules',
    summary: 'Admit a task or a swarm again and again',
    description:
      'Either task or swarm; either cron (with timeZone) or everySeconds. Stored before the answer; Temporal follows. ' +
      'Idempotency-Key as for tasks.',
    scope: 'schedules:write',
    body: createSchedule,
    bodyProblems: createProblems,
    idempotencyKey: true,
    responses: {
      201: { description: 'Created', schema: z.object({ existing: z.literal(false), schedule }) },
      200: {
        description: 'Created before with this Idempotency-Key',
        schema: z.object({ existing: z.literal(true), schedule }),
      },
    },
    errors: ['tenant-not-allowed', 'idempotency-conflict'],
  }),
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/schedules',
    summary: 'List schedules, newest first',
    scope: 'schedules:read',
    query: z.strictObject({
      tenant: tenantName.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: { 200: { description: 'One page', schema: pageOf(schedule, 'SchedulePage') } },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/schedules/{scheduleId}',
    summary: 'Get a schedule with its next and recent firings',
    scope: 'schedules:read',
    params: scheduleParams,
    responses: {
      200: {
        description: 'The schedule',
        schema: z.object({
          schedule,
          upcoming: upcoming.nullable().meta({
            description: 'By Temporal; null: it does not follow yet, or does not answer',
          }),
          firings: z.array(scheduleFiring).meta({ description: 'Newest first, at most 20' }),
        }),
      },
    },
    errors: ['schedule-not-found'],
  }),
  update: defineRoute({
    method: 'POST',
    path: '/api/v1/schedules/{scheduleId}/update',
    summary: 'Change a schedule',
    description:
      'What is left out stays. task replaces swarm, cron replaces everySeconds, and the other way round.',
    scope: 'schedules:write',
    params: scheduleParams,
    body: updateSchedule,
    bodyProblems: updateProblems,
    responses: { 200: { description: 'Stored', schema: answer } },
    errors: ['schedule-not-found'],
  }),
  pause: defineRoute({
    method: 'POST',
    path: '/api/v1/schedules/{scheduleId}/pause',
    summary: 'Admit nothing more by time',
    description: 'Holds from the answer on, wherever Temporal is. What was admitted goes on.',
    scope: 'schedules:write',
    params: scheduleParams,
    responses: { 200: { description: 'Stored', schema: answer } },
    errors: ['schedule-not-found'],
  }),
  resume: defineRoute({
    method: 'POST',
    path: '/api/v1/schedules/{scheduleId}/resume',
    summary: 'Go on after a pause',
    description: 'Times that passed during the pause are not made up for.',
    scope: 'schedules:write',
    params: scheduleParams,
    responses: { 200: { description: 'Stored', schema: answer } },
    errors: ['schedule-not-found'],
  }),
  trigger: defineRoute({
    method: 'POST',
    path: '/api/v1/schedules/{scheduleId}/trigger',
    summary: 'Admit the work of a schedule now',
    description:
      'Beside whatever runs, also while it is paused; firings by time are not affected. The same Idempotency-Key ' +
      'answers the same firing.',
    scope: 'schedules:write',
    params: scheduleParams,
    idempotencyKey: true,
    responses: {
      202: {
        description: 'Accepted',
        schema: z.object({ taskId: taskId.nullable(), swarmId: swarmId.nullable() }),
      },
    },
    errors: ['schedule-not-found', 'limit-reached', 'validation-failed'],
  }),
  remove: defineRoute({
    method: 'DELETE',
    path: '/api/v1/schedules/{scheduleId}',
    summary: 'Delete a schedule',
    description: 'What it has started goes on, and still names it.',
    scope: 'schedules:write',
    params: scheduleParams,
    responses: { 200: { description: 'Deleted', schema: answer } },
    errors: ['schedule-not-found'],
  }),
};
