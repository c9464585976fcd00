import { z } from 'zod';
import { WHY_CODES } from '../domain/why.ts';
import { moment } from './fields.ts';

export const whyReason = z
  .object({
    code: z.enum(WHY_CODES).meta({ description: 'Never renamed or given another meaning' }),
    sentence: z.string(),
    facts: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What the sentence says, for programs; its shape belongs to the code' }),
    since: moment.nullable(),
    until: moment.nullable().meta({ description: 'When this reason is over at the latest' }),
    action: z.string().nullable().meta({ description: 'What a person could do about it' }),
  })
  .meta({ id: 'WhyReason' });
export type WhyReason = z.infer<typeof whyReason>;

export const why = z
  .object({
    subject: z.object({ kind: z.enum(['task', 'session', 'swarm', 'gateway']), id: z.string() }),
    state: z.string(),
    sentence: z.string().meta({ description: 'The binding reason' }),
    reasons: z.array(whyReason).min(1).meta({ description: 'The first one binds' }),
  })
  .meta({ id: 'Why' });
export type Why = z.infer<typeof why>;

/** The answers of every route `…/why`. */
export const whyResponses = {
  200: { description: 'The reasons, the binding one first', schema: why },
} as const;

export const WHY_DESCRIPTION =
  'One sentence and the facts behind it, read from the rows now; what a person could do about it where that is anything.';
