import { z } from 'zod';
import type { Pool } from '../../src/contract/pools.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, pairs, textList } from '../fields.ts';
import type { Column } from '../output/table.ts';

const poolArgument = { name: 'pool', help: 'pool id' };

export const poolList = defineCommand({
  path: ['pool', 'list'],
  summary: 'List pools',
  input: z.object({}),
  run: async (_given, context) => {
    const answer = await (await context.client()).pools.list({ signal: context.signal });
    context.output.result(answer, (print) => print.table(columns, answer.items));
    return EXIT.ok;
  },
});

export const poolGet = defineCommand({
  path: ['pool', 'get'],
  summary: 'Show a pool',
  arguments: [poolArgument],
  input: z.object({ pool: z.string() }),
  run: async (params, context) => {
    const client = await context.client();
    const pool = await client.pools.get({ params, signal: context.signal });
    context.output.result(pool, (print) => print.fields(fieldsOf(pool)));
    return EXIT.ok;
  },
});

export const poolPut = defineCommand({
  path: ['pool', 'put'],
  summary: 'Make a pool, or replace what it selects',
  details:
    'A gateway belongs to the pool when it has all of the labels and capabilities and is in one of the regions; what is ' +
    'not given is not asked. Gateways follow at once; tasks stay in the pool that they were accepted for.',
  arguments: [poolArgument],
  options: [
    { flags: '--label <name=value>', help: 'a label that its gateways have', repeatable: true },
    { flags: '--region <region>', help: 'a region that its gateways may be in', repeatable: true },
    {
      flags: '--capability <capability>',
      help: 'a capability that its gateways have',
      repeatable: true,
    },
    {
      flags: '--tenant <tenant>',
      help: 'a tenant whose work it takes (default: every)',
      repeatable: true,
    },
  ],
  examples: ['dashctl pool put gpu --label kind=gpu --region eu-1 --tenant research'],
  input: z.object({
    pool: z.string(),
    label: pairs,
    region: textList,
    capability: textList,
    tenant: textList,
  }),
  run: async ({ pool, label, region, capability, tenant }, context) => {
    const client = await context.client();
    const body = defined({
      matchLabels: label,
      matchRegions: region,
      matchCapabilities: capability,
      allowedTenants: tenant,
    });
    const answer = await client.pools.put({ params: { pool }, body, signal: context.signal });
    context.output.result(answer, (print) => print.fields(fieldsOf(answer)));
    return EXIT.ok;
  },
});

export const poolDelete = defineCommand({
  path: ['pool', 'delete'],
  summary: 'Delete a pool without open work',
  details: 'Refused while open tasks or waiting nodes of swarms need it; `default` always stays.',
  arguments: [poolArgument],
  input: z.object({ pool: z.string() }),
  run: async (params, context) => {
    const client = await context.client();
    const answer = await client.pools.delete({ params, signal: context.signal });
    context.output.result(answer, (print) => print.line(`${answer.deleted} deleted`));
    return EXIT.ok;
  },
});

function fieldsOf(pool: Pool): [string, string | number | null][] {
  return [
    ['pool', pool.id],
    ['labels', labelsOf(pool) ?? 'any'],
    ['regions', pool.matchRegions?.join(' ') ?? 'any'],
    ['capabilities', pool.matchCapabilities.join(' ') || 'any'],
    ['tenants', pool.allowedTenants?.join(' ') ?? 'all'],
    ['gateways', pool.gateways],
    ['since', pool.createdAt],
  ];
}

function labelsOf({ matchLabels }: Pool): string | null {
  const labels = Object.entries(matchLabels).map(([name, value]) => `${name}=${value}`);
  return labels.length === 0 ? null : labels.join(' ');
}

const columns: readonly Column<Pool>[] = [
  { title: 'POOL', value: ({ id }) => id },
  { title: 'LABELS', value: labelsOf, canShrink: true },
  { title: 'REGIONS', value: ({ matchRegions }) => matchRegions?.join(' '), canShrink: true },
  {
    title: 'CAPABILITIES',
    value: ({ matchCapabilities }) => matchCapabilities.join(' '),
    canShrink: true,
  },
  {
    title: 'TENANTS',
    value: ({ allowedTenants }) => allowedTenants?.join(' ') ?? 'all',
    canShrink: true,
  },
  { title: 'GATEWAYS', value: ({ gateways }) => gateways, align: 'right' },
];
