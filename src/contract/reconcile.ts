import { z } from 'zod';
import { FINDING_KINDS } from '../domain/maintenance.ts';
import { defineRoute } from './define-route.ts';
import { moment, pageCursor, pageLimit, pageOf } from './fields.ts';

export const finding = z
  .object({
    id: z.int(),
    kind: z.string().meta({ description: 'What disagrees', example: 'workflow-without-row' }),
    subject: z.string().meta({ description: 'The id of what was found' }),
    detail: z.record(z.string(), z.unknown()),
    repaired: z.boolean().meta({ description: 'By rule; never by sending something blindly' }),
    times: z.int().meta({ description: 'How often it was seen: once per round while it stands' }),
    firstSeenAt: moment,
    lastSeenAt: moment,
  })
  .meta({ id: 'ReconcileFinding' });
export type ReconcileFinding = z.infer<typeof finding>;

const truth = z.enum(['true', 'false']);

export const reconcileRoutes = {
  findings: defineRoute({
    method: 'GET',
    path: '/api/v1/reconcile-findings',
    summary: 'List where rows, workflows and gateways disagreed, newest first',
    description:
      'Reconcile compares them each minute and repairs by rule. A disagreement that stands is one finding, seen again.',
    scope: 'reconcile:read',
    reach: 'fleet',
    query: z.strictObject({
      kind: z.enum(FINDING_KINDS).optional(),
      subject: z.string().max(300).optional(),
      repaired: truth.optional(),
      standing: truth
        .optional()
        .meta({ description: 'true: only what is not repaired and was seen in the last 3 min' }),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: {
      200: { description: 'One page', schema: pageOf(finding, 'ReconcileFindingPage') },
    },
    errors: [],
  }),
  run: defineRoute({
    method: 'POST',
    path: '/api/v1/reconcile/run',
    summary: 'Compare rows, workflows and gateways now',
    description:
      'Answers when the round is asked for. One that is under way already is not joined by a second one.',
    scope: 'reconcile:write',
    reach: 'fleet',
    responses: {
      202: { description: 'Asked for', schema: z.object({ asked: z.literal(true) }) },
    },
    errors: ['validation-failed', 'temporal-unavailable'],
  }),
};
