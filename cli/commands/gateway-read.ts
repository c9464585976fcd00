import { z } from 'zod';
import type { Gateway } from '../../src/contract/gateways.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { flag } from '../fields.ts';
import { gatewayStateWords } from '../gateway-state.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';

export const gatewayList = defineCommand({
  path: ['gateway', 'list'],
  summary: 'List gateways',
  options: [{ flags: '--removed', help: 'also those that were removed' }],
  input: z.object({ removed: flag }),
  run: async ({ removed }, context) => {
    const answer = await (
      await context.client()
    ).gateways.list({ query: { removed: removed ? 'true' : 'false' }, signal: context.signal });
    context.output.result(answer, (print) => {
      if (answer.items.length > 0) print.table(columns(context.clock.now()), answer.items);
    });
    if (answer.items.length === 0)
      context.output.note('No gateway is registered: dashctl gateway add --help');
    return EXIT.ok;
  },
});

export const gatewayGet = defineCommand({
  path: ['gateway', 'get'],
  summary: 'Show a gateway',
  arguments: [{ name: 'gateway', help: 'gateway id' }],
  input: z.object({ gateway: z.string() }),
  run: async ({ gateway: gatewayId }, context) => {
    const gateway = await (
      await context.client()
    ).gateways.get({ params: { gatewayId }, signal: context.signal });
    context.output.result(gateway, (print) => print.fields(fieldsOf(gateway, context.clock.now())));
    return EXIT.ok;
  },
});

export const gatewayUrl = defineCommand({
  path: ['gateway', 'url'],
  summary: 'Show where to open the dashboard of a gateway',
  details:
    'With --with-token the URL lets whoever has it do everything at the gateway: treat it like a password. An event tells who asked for it.',
  arguments: [{ name: 'gateway', help: 'gateway id' }],
  options: [{ flags: '--with-token', help: 'with the token of the gateway' }],
  input: z.object({ gateway: z.string(), withToken: flag }),
  run: async ({ gateway: gatewayId, withToken }, context) => {
    const client = await context.client();
    const request = { params: { gatewayId }, signal: context.signal };
    const answer = withToken
      ? await client.chains.urlWithToken(request)
      : await client.chains.url(request);
    context.output.result(answer, (print) => print.line(answer.url));
    return EXIT.ok;
  },
});

function fieldsOf(gateway: Gateway, nowMs: number): [string, string | number | null][] {
  const { lanes } = gateway;
  return [
    ['gateway', gateway.id],
    ['kind', gateway.kind],
    ['endpoint', gateway.endpoint],
    ['state', gatewayStateWords(gateway)],
    ['since', `${gateway.stateChangedAt} (${age(gateway.stateChangedAt, nowMs)})`],
    ['what to do', gateway.hint],
    ['wanted', gateway.desiredState],
    ['takes', gateway.accepts.join(', ')],
    [
      'lanes',
      `${lanes.held} held, ${lanes.free} free of ${lanes.configured} (the gateway's own limit: ${lanes.reported ?? 'not seen yet'})`,
    ],
    ['foreign runs', lanes.foreign],
    ['health', healthWords(gateway, nowMs)],
    [
      'lately',
      `${Math.round(gateway.health.errorRate * 100)} % of its runs failed, accepted after ${millis(gateway.health.latencyMs)}, done after ${millis(gateway.health.runMs)}`,
    ],
    ['cost weight', gateway.costWeight],
    [
      'labels',
      Object.entries(gateway.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ],
    ['region', gateway.region],
    ['capabilities', gateway.capabilities.join(' ')],
    ['tenants', gateway.allowedTenants === null ? 'all' : gateway.allowedTenants.join(' ')],
    [
      'owner',
      gateway.ownerHost === null ? 'none' : `${gateway.ownerHost}, epoch ${gateway.ownerEpoch}`,
    ],
    [
      'version',
      gateway.version === null ? null : `${gateway.version}, protocol ${gateway.protocol ?? '?'}`,
    ],
    ['boot', gateway.bootId],
    ['last seen', age(gateway.lastSeenAt, nowMs)],
  ];
}

function healthWords({ health, lanes }: Gateway, nowMs: number): string {
  const left = lanes.health === null ? '' : `, ${lanes.health} lanes left`;
  const why = health.reasons.length === 0 ? '' : ` (${health.reasons.join(', ')}${left})`;
  return `${health.verdict}${why} since ${age(health.since, nowMs)}`;
}

function millis(value: number | null): string {
  return value === null ? 'an unknown time' : `${Math.round(value)} ms`;
}

function columns(nowMs: number): readonly Column<Gateway>[] {
  return [
    { title: 'GATEWAY', value: ({ id }) => id },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'STATE', value: gatewayStateWords, canShrink: true },
    { title: 'LANES', value: ({ lanes }) => `${lanes.held}/${lanes.configured}`, align: 'right' },
    { title: 'OWNER', value: ({ ownerHost }) => ownerHost, canShrink: true },
    { title: 'VERSION', value: ({ version }) => version },
    { title: 'SEEN', value: ({ lastSeenAt }) => age(lastSeenAt, nowMs), align: 'right' },
    { title: 'ENDPOINT', value: ({ endpoint }) => endpoint, canShrink: true },
  ];
}
