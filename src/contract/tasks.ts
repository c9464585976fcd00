import { z } from 'zod';
import { TASK_STATES } from '../domain/task.ts';
import { defineRoute } from './define-route.ts';
import { event } from './event-dto.ts';
import {
  commaList,
  pageCursor,
  pageLimit,
  pageOf,
  poolName,
  priority,
  scheduleId,
  sessionKey,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import {
  attempt,
  decideTask,
  note,
  replayEdits,
  spending,
  submitTask,
  task,
  taskSummary,
} from './task-dto.ts';
import { WHY_DESCRIPTION, whyResponses } from './why.ts';

const taskParams = z.object({ taskId });

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
      202: {
        description: 'Accepted',
        schema: z.object({ existing: z.literal(false), task: taskSummary }),
      },
      200: {
        description: 'Accepted before with this Idempotency-Key',
        schema: z.object({ existing: z.literal(true), task: taskSummary }),
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
      schedule: scheduleId.optional(),
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
  why: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks/{taskId}/why',
    summary: 'Say why a task stands where it stands',
    description: WHY_DESCRIPTION,
    scope: 'tasks:read',
    params: taskParams,
    responses: whyResponses,
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
  spending: defineRoute({
    method: 'GET',
    path: '/api/v1/tasks/{taskId}/spending',
    summary: 'List what a task spent, run by run',
    description: 'Each entry is what a run was found to have spent more than was known before.',
    scope: 'tasks:read',
    params: taskParams,
    responses: {
      200: { description: 'Oldest first', schema: z.object({ items: z.array(spending) }) },
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
        schema: z.object({ result: z.enum(['cancelled', 'already-ended']), task: taskSummary }),
      },
      202: {
        description: 'The cancel is stored and under way',
        schema: z.object({ result: z.literal('requested'), task: taskSummary }),
      },
    },
    errors: ['task-not-found'],
  }),
  bump: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/bump',
    summary: 'Raise the priority of a waiting task',
    description:
      'Never lowers. Within a session the task at its head inherits it: order inside a session stays. Written to the ' +
      'events with the actor.',
    scope: 'tasks:write',
    params: taskParams,
    body: z.strictObject({
      priority: priority.default('critical'),
      reason: z.string().max(500).default('').meta({ description: 'For the audit trail' }),
    }),
    responses: {
      200: {
        description: 'The task as it is now; unchanged: it was as urgent before',
        schema: z.object({ result: z.enum(['raised', 'unchanged']), task: taskSummary }),
      },
    },
    errors: ['task-not-found', 'task-not-waiting'],
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
    responses: {
      202: { description: 'The decision is stored', schema: z.object({ task: taskSummary }) },
    },
    errors: ['task-not-found', 'nothing-to-decide', 'already-decided'],
  }),
  replay: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/replay',
    summary: 'Replay a dead letter as a new task',
    description:
      'The new task names this one as replayOf. Asked twice, the same new task is answered (200); `again` makes ' +
      'another one, once that has ended. `edits` change what the new task is to do.',
    scope: 'tasks:write',
    params: taskParams,
    body: z.strictObject({ again: z.boolean().default(false), edits: replayEdits.default({}) }),
    responses: {
      202: {
        description: 'The new task',
        schema: z.object({ existing: z.literal(false), task: taskSummary }),
      },
      200: {
        description: 'Replayed before',
        schema: z.object({ existing: z.literal(true), task: taskSummary }),
      },
    },
    errors: ['task-not-found', 'dead-letter-closed', 'limit-reached', 'validation-failed'],
  }),
  discard: defineRoute({
    method: 'POST',
    path: '/api/v1/tasks/{taskId}/discard',
    summary: 'Discard a dead letter',
    scope: 'tasks:write',
    params: taskParams,
    body: z.strictObject({ note: note.optional() }),
    responses: {
      200: {
        description: 'The task; its dead letter is closed',
        schema: z.object({ task: taskSummary }),
      },
    },
    errors: ['task-not-found', 'dead-letter-closed'],
  }),
};
