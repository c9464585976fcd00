import { z } from 'zod';
import { HEALTH_REASONS, HEALTH_VERDICTS } from '../domain/gateway-health.ts';
import {
  GATEWAY_FAILURES,
  GATEWAY_MESSAGES,
  GATEWAY_STATES,
  type GatewayMessage,
} from '../domain/gateway.ts';
import { defineRoute } from './define-route.ts';
import { gatewayName, label, labels, moment, tenantName } from './fields.ts';
import { WHY_DESCRIPTION, whyResponses } from './why.ts';

const endpoint = z
  .url({ protocol: /^wss?$/, error: 'an endpoint looks like ws://127.0.0.1:18789 (or wss://…)' })
  .refine(
    (url) => !/^\w+:\/\/[^/]*@/.test(url),
    'put no credentials into the endpoint; give the token by itself',
  )
  .meta({ example: 'ws://127.0.0.1:18789' });

const lanes = z
  .int()
  .min(1)
  .max(1000)
  .meta({ description: "Runs at the same time; the gateway's own lane limit counts too" });
const costWeight = z.number().positive('must be greater than 0').max(1_000_000).meta({
  description:
    'Its share of the spend: 2 gets twice what 1 gets. Counts where the gateways that a host could choose from have different weights',
});

const shared = {
  id: gatewayName.optional().meta({ description: 'Default: made from the endpoint' }),
  labels: labels.default({}),
  region: gatewayName.optional().meta({ description: 'Region', example: 'eu-1' }),
  capabilities: z.array(label).max(100).default([]),
  allowedTenants: z
    .array(tenantName)
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'Default: every tenant' }),
  lanes: lanes.default(4),
  costWeight: costWeight.default(1),
};

export const registerGateway = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('adopted'),
      endpoint,
      token: z
        .string()
        .min(1)
        .max(4096)
        .meta({ description: 'Shared token of the gateway; never answered by any route' }),
      ...shared,
    }),
    z.strictObject({
      kind: z.literal('managed'),
      endpoint: endpoint.optional().meta({
        description:
          'Default: a free port of the loopback interface of its host, chosen at the first start',
      }),
      token: z.string().min(16).max(4096).optional().meta({ description: 'Default: a random one' }),
      ...shared,
    }),
  ])
  .meta({
    id: 'RegisterGateway',
    description: 'adopted: Dash connects to it; managed: Dash starts and stops its process',
  });
export type RegisterGateway = z.input<typeof registerGateway>;

export const updateGateway = z
  .strictObject({
    labels: labels.optional().meta({ description: 'All labels: those that are not named go' }),
    region: shared.region.nullable().meta({ description: 'null: none' }),
    capabilities: z.array(label).max(100).optional(),
    allowedTenants: shared.allowedTenants.nullable().meta({ description: 'null: every tenant' }),
    lanes: lanes.optional(),
    costWeight: costWeight.optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, 'name at least one thing to change')
  .meta({ id: 'UpdateGateway', description: 'What is left out stays' });
export type UpdateGateway = z.input<typeof updateGateway>;

export const gateway = z
  .object({
    id: gatewayName,
    kind: z.enum(['managed', 'adopted']),
    endpoint: z.string(),
    labels,
    region: z.string().nullable(),
    capabilities: z.array(z.string()),
    allowedTenants: z.array(z.string()).nullable().meta({ description: 'null: every tenant' }),
    lanes: z.object({
      configured: z.int(),
      reported: z
        .int()
        .nullable()
        .meta({ description: "The gateway's own limit; null: not seen yet" }),
      held: z.int(),
      foreign: z.int().meta({ description: 'Runs there that are not of Dash' }),
      health: z.int().nullable().meta({ description: 'What its health leaves; null: no limit' }),
      free: z.int(),
    }),
    costWeight: z.number().meta({ description: 'Its share of the spend, relative to the others' }),
    health: z.object({
      verdict: z.enum(HEALTH_VERDICTS).meta({
        description: 'sick: it gets fewer lanes; unhealthy: it gets no new work',
      }),
      reasons: z.array(z.enum(HEALTH_REASONS)),
      since: moment,
      errorRate: z.number().meta({
        description: 'Of the attempts that ended there lately, the part that the gateway failed',
      }),
      latencyMs: z.number().nullable().meta({
        description: 'Until it accepts a run, on average; null: none seen yet',
      }),
      runMs: z.number().nullable().meta({
        description: 'Until a run succeeds, on average; null: none seen yet',
      }),
    }),
    pools: z
      .array(z.string())
      .meta({ description: 'Pools that it belongs to by its labels, region and capabilities' }),
    state: z.enum(GATEWAY_STATES),
    failure: z.enum(GATEWAY_FAILURES).nullable(),
    stateReason: z.string().nullable(),
    hint: z.string().nullable().meta({ description: 'What an operator can do' }),
    desiredState: z.enum(['running', 'drained', 'cordoned', 'stopped', 'removed']),
    accepts: z
      .array(z.enum(GATEWAY_MESSAGES))
      .meta({ description: 'The commands that this state takes' }),
    claimsOpen: z.boolean(),
    ownerHost: z.string().nullable(),
    ownerEpoch: z.int(),
    version: z.string().nullable(),
    protocol: z.int().nullable(),
    bootId: z.string().nullable(),
    lastSeenAt: moment.nullable(),
    stateChangedAt: moment,
    createdAt: moment,
  })
  .meta({ id: 'Gateway' });
export type Gateway = z.infer<typeof gateway>;

const gatewayParams = z.object({ gatewayId: gatewayName });

export const gatewayCommand = z
  .strictObject({
    reason: z.string().max(500).default('').meta({ description: 'For the audit trail' }),
  })
  .meta({ id: 'GatewayCommand' });

function command(name: GatewayMessage, summary: string) {
  return defineRoute({
    method: 'POST',
    path: `/api/v1/gateways/{gatewayId}/${name}`,
    summary,
    description:
      'Answers when the wish is stored, not when it is reached: follow the state of the gateway.',
    scope: 'gateways:write',
    reach: 'fleet',
    params: gatewayParams,
    body: gatewayCommand,
    responses: {
      202: {
        description: 'The wish is stored',
        schema: z.object({
          gatewayId: gatewayName,
          command: z.enum(GATEWAY_MESSAGES),
          state: z.enum(GATEWAY_STATES),
        }),
      },
    },
    errors: ['gateway-not-found', 'gateway-refuses', 'temporal-unavailable'],
  });
}

export const gatewayRoutes = {
  register: defineRoute({
    method: 'POST',
    path: '/api/v1/gateways',
    summary: 'Register a gateway',
    scope: 'gateways:write',
    reach: 'fleet',
    body: registerGateway,
    responses: { 201: { description: 'Registered; Dash connects to it now', schema: gateway } },
    errors: ['gateway-exists'],
  }),
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/gateways',
    summary: 'List gateways',
    scope: 'gateways:read',
    query: z.strictObject({
      removed: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'true: also those that were removed' }),
    }),
    responses: { 200: { description: 'By id', schema: z.object({ items: z.array(gateway) }) } },
    errors: [],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/gateways/{gatewayId}',
    summary: 'Get a gateway',
    scope: 'gateways:read',
    params: gatewayParams,
    responses: { 200: { description: 'The gateway', schema: gateway } },
    errors: ['gateway-not-found'],
  }),
  update: defineRoute({
    method: 'PATCH',
    path: '/api/v1/gateways/{gatewayId}',
    summary: 'Change the settings of a gateway',
    description: 'The next claim heeds them; what runs there goes on.',
    scope: 'gateways:write',
    reach: 'fleet',
    params: gatewayParams,
    body: updateGateway,
    responses: { 200: { description: 'The gateway as it is now', schema: gateway } },
    errors: ['gateway-not-found', 'gateway-refuses'],
  }),
  why: defineRoute({
    method: 'GET',
    path: '/api/v1/gateways/{gatewayId}/why',
    summary: 'Say why a gateway stands where it stands',
    description: WHY_DESCRIPTION,
    scope: 'gateways:read',
    params: gatewayParams,
    responses: whyResponses,
    errors: ['gateway-not-found'],
  }),
  start: command('start', 'Start a gateway, or connect to it'),
  stop: command('stop', 'Drain and stop a gateway'),
  restart: command('restart', 'Drain and restart a gateway'),
  drain: command('drain', 'Let running work finish and take no new work'),
  undrain: command('undrain', 'Take new work again after a drain'),
  cordon: command('cordon', 'Take no new work; running work goes on'),
  uncordon: command('uncordon', 'Take new work again after a cordon'),
  recover: command('recover', 'Bring a gateway back to its desired state now'),
  remove: command('remove', 'Remove a gateway for good'),
};
