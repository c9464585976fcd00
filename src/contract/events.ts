import { z } from 'zod';
import { EVENT_TYPES } from '../domain/event-type.ts';
import { defineRoute } from './define-route.ts';
import { commaList, gatewayName, sessionKey, swarmId, taskId, tenantName } from './fields.ts';

/** `<stream>.<seq>`: a place in one event stream. A restored database has another stream. */
const after = z
  .string()
  .regex(
    /^(start|[a-z0-9]{1,64}\.\d{1,15})$/,
    'must be "start" or the id of an event that was received',
  )
  .meta({
    description: 'Cursor: the id of the last event received; or `start`',
    example: '9f2b.1042',
  });

export const eventRoutes = {
  stream: defineRoute({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'Follow events (Server-Sent Events)',
    description:
      'Each event is a message whose id is its cursor and whose data is an Event; comments keep the connection ' +
      'alive. Goes on without gap or double after the cursor in `after` or in the Last-Event-ID header (which wins). ' +
      'Without a cursor only what happens from now on is sent; `after=start` begins with the oldest event kept.',
    scope: 'events:read',
    query: z.strictObject({
      after: after.optional(),
      type: commaList(z.enum(EVENT_TYPES)).optional(),
      tenant: tenantName.optional(),
      task: taskId.optional(),
      swarm: swarmId.optional(),
      session: sessionKey.optional(),
      gateway: gatewayName.optional(),
    }),
    responses: { 200: { description: 'The stream', contentType: 'text/event-stream' } },
    errors: ['tenant-not-allowed', 'cursor-expired', 'too-many-streams'],
  }),
};
