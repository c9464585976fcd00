import { z } from 'zod';
import { defineRoute } from './define-route.ts';

/** What readiness looks at. */
export const READINESS_CHECKS = ['postgres', 'migrations', 'temporal'] as const;

export const readinessCheck = z
  .object({
    name: z.enum(READINESS_CHECKS),
    ok: z.boolean(),
    detail: z.string().meta({ description: 'What is wrong and what to do; "ok" when nothing is' }),
  })
  .meta({ id: 'ReadinessCheck' });
export type ReadinessCheck = z.infer<typeof readinessCheck>;

export const operationRoutes = {
  live: defineRoute({
    method: 'GET',
    path: '/health/live',
    summary: 'The process answers',
    description: 'Never depends on another service.',
    scope: null,
    responses: { 200: { description: 'Alive', schema: z.object({ status: z.literal('live') }) } },
    errors: [],
  }),
  ready: defineRoute({
    method: 'GET',
    path: '/health/ready',
    summary: 'Every required dependency answers',
    scope: null,
    responses: {
      200: {
        description: 'Ready',
        schema: z.object({ status: z.literal('ready'), checks: z.array(readinessCheck) }),
      },
    },
    errors: ['not-ready'],
  }),
  openapi: defineRoute({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    scope: null,
    responses: { 200: { description: 'The document', contentType: 'application/json' } },
    errors: [],
  }),
  docs: defineRoute({
    method: 'GET',
    path: '/docs',
    summary: 'This API as a page for people',
    scope: null,
    responses: { 200: { description: 'The page', contentType: 'text/html' } },
    errors: [],
  }),
  metrics: defineRoute({
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics in the Prometheus text format',
    scope: 'metrics:read',
    reach: 'fleet',
    responses: { 200: { description: 'The metrics', contentType: 'text/plain' } },
    errors: [],
  }),
};
