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
    deadInARow: z.int().meta({ description: 'Dead letters since a task of it was completed' }),
    quarantine: z
      .object({ since: moment, reason: z.string(), by: z.string() })
      .nullable()
      .meta({ description: 'Set apart: work is accepted and held, nothing is started' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof session>;

const reason = z.string().min(1).max(500).meta({ description: 'Kept in the event' });
const changeOfSession = {
  scope: 'sessions:write',
  params: z.object({ sessionKey }),
  query: z.strictObject({ tenant: tenantName.optional() }),
  responses: { 200: { description: 'The session as it is now', schema: session } },
  errors: ['session-not-found', 'tenant-not-allowed'],
} as const;

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
  quarantine: defineRoute({
    method: 'POST',
    path: '/api/v1/sessions/{sessionKey}/quarantine',
    summary: 'Set a session apart',
    description:
      'What runs goes on; nothing more of it is started until it is released. Work for it is accepted and held. ' +
      'Sessions whose tasks keep dying are set apart by themselves (see the outcome policy).',
    ...changeOfSession,
    body: z.strictObject({ reason }),
  }),
  release: defineRoute({
    method: 'POST',
    path: '/api/v1/sessions/{sessionKey}/release',
    summary: 'End the quarantine of a session',
    ...changeOfSession,
    body: z.strictObject({ reason: reason.optional() }),
  }),
  migrate: defineRoute({
    method: 'POST',
    path: '/api/v1/sessions/{sessionKey}/migrate',
    summary: 'Move a session to another gateway',
    description:
      'To the gateway that is named, else to whichever takes its next task. The conversation so far stays behind: the ' +
      'next task begins a new one there. Refused while anything of the session may still run where it is.',
    ...changeOfSession,
    body: z.strictObject({ gateway: gatewayName.optional(), reason }),
    errors: [...changeOfSession.errors, 'session-busy'],
  }),
};
