import { z } from 'zod';
import {
  chain,
  chainHeal,
  chainLook,
  dashboardUrl,
  healChain,
  pauseChain,
  putChain,
} from './chain-dto.ts';
import { defineRoute } from './define-route.ts';
import { event } from './event-dto.ts';
import { gatewayName } from './fields.ts';

const path = '/api/v1/gateways/{gatewayId}/chain';
const params = z.object({ gatewayId: gatewayName });
const asItIs = { 200: { description: 'The chain', schema: chain } };
const shared = { params, errors: ['gateway-not-found', 'chain-not-found'] } as const;

export const chainRoutes = {
  url: defineRoute({
    method: 'GET',
    path: '/api/v1/gateways/{gatewayId}/url',
    summary: 'Where to open the dashboard of a gateway, without its token',
    scope: 'gateways:read',
    params,
    responses: { 200: { description: 'The URL', schema: dashboardUrl } },
    errors: ['gateway-not-found'],
  }),
  urlWithToken: defineRoute({
    method: 'POST',
    path: '/api/v1/gateways/{gatewayId}/url-with-token',
    summary: 'Where to open the dashboard of a gateway, with its token',
    description:
      'Whoever has this URL may do everything at the gateway. An event tells who asked for it.',
    scope: 'gateways:write',
    reach: 'fleet',
    params,
    responses: {
      200: { description: 'The URL, to be treated like a password', schema: dashboardUrl },
    },
    errors: ['gateway-not-found', 'gateway-refuses'],
  }),
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/chains',
    summary: 'List dashboard chains',
    scope: 'gateways:read',
    responses: { 200: { description: 'By gateway', schema: z.object({ items: z.array(chain) }) } },
    errors: [],
  }),
  get: defineRoute({
    method: 'GET',
    path,
    summary: 'Get the dashboard chain of a gateway, as its watch sees it',
    scope: 'gateways:read',
    ...shared,
    responses: asItIs,
  }),
  put: defineRoute({
    method: 'PUT',
    path,
    summary: 'Watch the dashboard of a gateway, or change where people open it',
    scope: 'gateways:write',
    reach: 'fleet',
    ...shared,
    body: putChain,
    responses: asItIs,
    errors: ['gateway-not-found', 'gateway-refuses'],
  }),
  remove: defineRoute({
    method: 'DELETE',
    path,
    summary: 'Watch the dashboard of a gateway no more',
    scope: 'gateways:write',
    reach: 'fleet',
    ...shared,
    responses: {
      200: {
        description: 'Removed',
        schema: z.object({
          removed: gatewayName,
          leftOrigins: z.array(z.string()).meta({
            description:
              'Origins that Dash has put into the configuration of the gateway: they stay there',
          }),
        }),
      },
    },
  }),
  verify: defineRoute({
    method: 'POST',
    path: `${path}/verify`,
    summary: 'Look at every link of the chain now; changes nothing',
    description:
      'Takes up to 15 s when something lies outside: an idle connection is held to see whether anybody cuts it.',
    scope: 'gateways:read',
    ...shared,
    responses: { 200: { description: 'What was seen', schema: chainLook } },
    errors: ['gateway-not-found', 'chain-not-found', 'temporal-unavailable'],
  }),
  heal: defineRoute({
    method: 'POST',
    path: `${path}/heal`,
    summary: 'Mend now what is broken, and nothing else',
    description:
      'One heal at a time: a second one waits for the first. Forgets earlier tries, and never the restart budget of ' +
      'the gateway. Answers when the chain has settled, which may take minutes.',
    scope: 'gateways:write',
    reach: 'fleet',
    ...shared,
    body: healChain,
    responses: { 200: { description: 'What was done', schema: chainHeal } },
    errors: ['gateway-not-found', 'chain-not-found', 'temporal-unavailable'],
  }),
  pause: defineRoute({
    method: 'POST',
    path: `${path}/pause`,
    summary: 'Take what is down as planned, for a while',
    scope: 'gateways:write',
    reach: 'fleet',
    ...shared,
    body: pauseChain,
    responses: asItIs,
  }),
  resume: defineRoute({
    method: 'POST',
    path: `${path}/resume`,
    summary: 'End a pause',
    scope: 'gateways:write',
    reach: 'fleet',
    ...shared,
    responses: asItIs,
  }),
  history: defineRoute({
    method: 'GET',
    path: `${path}/history`,
    summary: 'What has happened to the chain, newest first',
    description: 'The last 100 changes of its verdict, its settings and its pauses.',
    scope: 'gateways:read',
    ...shared,
    responses: {
      200: { description: 'Newest first', schema: z.object({ items: z.array(event) }) },
    },
  }),
};
