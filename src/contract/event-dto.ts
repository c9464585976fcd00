import { z } from 'zod';
import { moment } from './fields.ts';

/** Something that happened, as stored. `seq` follows the order of the commits. */
export const event = z
  .object({
    seq: z.int(),
    at: moment,
    type: z.string().meta({ example: 'task.accepted' }),
    tenant: z.string().nullable(),
    taskId: z.string().nullable(),
    attemptId: z.string().nullable(),
    swarmId: z.string().nullable(),
    session: z.string().nullable(),
    gatewayId: z.string().nullable(),
    correlationId: z.string().nullable(),
    actor: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });
export type Event = z.infer<typeof event>;
