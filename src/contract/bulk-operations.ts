import { z } from 'zod';
import { FAILURE_CLASSES } from '../domain/failure.ts';
import { deadLetter, DEAD_LETTER_REASONS } from './dead-letters.ts';
import { defineRoute } from './define-route.ts';
import {
  gatewayName,
  moment,
  namedMoment,
  poolName,
  sessionKey,
  swarmId,
  tenantName,
} from './fields.ts';
import { note, replayEdits } from './task-dto.ts';

const ACTIONS = ['replay', 'discard'] as const;

const filter = z
  .strictObject({
    reason: z.array(z.enum(DEAD_LETTER_REASONS)).min(1).optional(),
    tenant: tenantName.optional(),
    pool: poolName.optional(),
    session: sessionKey.optional(),
    swarm: swarmId.optional(),
    gateway: gatewayName.optional(),
    failureClass: z.array(z.enum(FAILURE_CLASSES)).min(1).optional(),
    from: namedMoment.optional(),
    to: namedMoment.optional(),
  })
  .meta({ id: 'BulkFilter', description: 'Which open dead letters; nothing named: all of them' });

export const bulkOperation = z
  .object({
    id: z.string(),
    action: z.enum(ACTIONS),
    tenant: tenantName.nullable().meta({ description: "null: every tenant's" }),
    state: z.enum(['running', 'completed', 'cancelled']),
    total: z.int().meta({ description: 'Letters that matched when it was accepted' }),
    done: z.int().meta({ description: 'Letters that it replayed or discarded' }),
    skipped: z
      .int()
      .meta({ description: 'Letters that somebody else closed, or that were refused' }),
    waitingFor: z
      .string()
      .nullable()
      .meta({ description: 'The bound on open work that it waits for now' }),
    note: z.string().nullable(),
    actor: z.string(),
    createdAt: moment,
    finishedAt: moment.nullable(),
  })
  .meta({ id: 'BulkOperation' });
export type BulkOperation = z.infer<typeof bulkOperation>;

export const bulkOperationRoutes = {
  start: defineRoute({
    method: 'POST',
    path: '/api/v1/bulk-operations',
    summary: 'Replay or discard many dead letters',
    description:
      'With dryRun only counts, and shows some, of the letters that it would deal with. Without, it is stored and ' +
      'carried out in the order of acceptance; `edits` go with replay, `note` with discard.',
    scope: 'tasks:write',
    body: z.strictObject({
      action: z.enum(ACTIONS),
      filter,
      edits: replayEdits.omit({ prompt: true }).default({}),
      note: note.optional(),
      dryRun: z.boolean().default(false),
    }),
    responses: {
      200: {
        description: 'What it would deal with; nothing was changed',
        schema: z.object({
          dryRun: z.literal(true),
          count: z.int(),
          sample: z.array(deadLetter).meta({ description: 'The newest of them, at most 10' }),
        }),
      },
      202: {
        description: 'Stored and under way',
        schema: z.object({ dryRun: z.literal(false), operation: bulkOperation }),
      },
    },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/bulk-operations/{bulkId}',
    summary: 'Get the progress of a bulk operation',
    scope: 'tasks:read',
    params: z.object({ bulkId: z.string().min(1).max(100) }),
    responses: { 200: { description: 'As it stands', schema: bulkOperation } },
    errors: ['bulk-operation-not-found'],
  }),
  cancel: defineRoute({
    method: 'POST',
    path: '/api/v1/bulk-operations/{bulkId}/cancel',
    summary: 'End a bulk operation before its time',
    description: 'What it did stays done. One that has ended stays as it ended.',
    scope: 'tasks:write',
    params: z.object({ bulkId: z.string().min(1).max(100) }),
    responses: { 200: { description: 'As it stands', schema: bulkOperation } },
    errors: ['bulk-operation-not-found'],
  }),
};
