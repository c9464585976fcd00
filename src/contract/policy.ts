import { z } from 'zod';
import { defineRoute } from './define-route.ts';

const hours = z.int().min(1).max(8_760).nullable();

const shape = {
  quarantineAfter: z
    .int()
    .min(1)
    .max(1_000)
    .nullable()
    .meta({ description: 'Dead letters in a row that set a session apart; null: none do' }),
  decisionExpiryHours: hours.meta({
    description: 'An outcome that nobody has decided about is discarded after this; null: it waits',
  }),
  migrateSessionsAfterHours: hours.meta({
    description: 'Sessions of a gateway that has failed move after this; null: they are held',
  }),
};

export const outcomePolicy = z.object(shape).meta({ id: 'OutcomePolicy' });
export type OutcomePolicy = z.infer<typeof outcomePolicy>;

export const policyRoutes = {
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/outcome-policy',
    summary: 'Get what happens by itself to work that did not end well',
    scope: 'policy:read',
    responses: { 200: { description: 'The policy', schema: outcomePolicy } },
    errors: [],
  }),
  set: defineRoute({
    method: 'POST',
    path: '/api/v1/outcome-policy',
    summary: 'Change what happens by itself to work that did not end well',
    description: 'What is left out stays; null turns a rule off.',
    scope: 'policy:write',
    reach: 'fleet',
    body: z.strictObject(shape).partial().meta({ id: 'OutcomePolicyChange' }),
    responses: { 200: { description: 'What holds from now on', schema: outcomePolicy } },
    errors: [],
  }),
};
