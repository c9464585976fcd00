import { z } from 'zod';
import type { Tenant } from '../../src/contract/tenants.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { boundOrNone, defined, positiveCount } from '../fields.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

export const tenantList = defineCommand({
  path: ['tenant', 'list'],
  summary: 'List tenants',
  options: [...pageOptions],
  input: z.object({ ...pageInput }),
  run: async ({ limit, cursor }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) => client.tenants.list({ query: part, signal: context.signal }),
      columns: () => columns,
      none: null,
    });
  },
});

export const tenantGet = defineCommand({
  path: ['tenant', 'get'],
  summary: 'Show a tenant',
  arguments: [{ name: 'tenant', help: 'tenant' }],
  input: z.object({ tenant: z.string() }),
  run: async (params, context) => {
    const client = await context.client();
    const tenant = await client.tenants.get({ params, signal: context.signal });
    context.output.result(tenant, (print) => print.fields(fieldsOf(tenant)));
    return EXIT.ok;
  },
});

export const tenantSet = defineCommand({
  path: ['tenant', 'set'],
  summary: 'Set the share and the bounds of a tenant',
  details:
    'Makes the tenant when it is new. What is not given stays as it is; `none` takes a bound of its own away, so that ' +
    'the installation’s limit for tenants holds.',
  arguments: [{ name: 'tenant', help: 'tenant' }],
  options: [
    {
      flags: '--weight <n>',
      help: 'its share inside a priority, 1 to 1000, against other tenants that wait there (1)',
    },
    { flags: '--max-open <n>', help: 'open tasks at most, or `none`' },
    { flags: '--max-running <n>', help: 'lanes at the same time at most, or `none`' },
  ],
  examples: ['dashctl tenant set research --weight 3 --max-running 20'],
  input: z.object({
    tenant: z.string(),
    weight: positiveCount.optional(),
    maxOpen: boundOrNone.optional(),
    maxRunning: boundOrNone.optional(),
  }),
  run: async ({ tenant, weight, maxOpen, maxRunning }, context) => {
    const client = await context.client();
    const answer = await client.tenants.put({
      params: { tenant },
      body: {
        ...defined({ weight }),
        ...(maxOpen === undefined ? {} : { maxOpenTasks: maxOpen }),
        ...(maxRunning === undefined ? {} : { maxRunning }),
      },
      signal: context.signal,
    });
    context.output.result(answer, (print) => print.fields(fieldsOf(answer)));
    return EXIT.ok;
  },
});

const OF_INSTALLATION = 'the installation’s';

function fieldsOf(tenant: Tenant): [string, string | number | null][] {
  return [
    ['tenant', tenant.id],
    ['weight', tenant.weight],
    ['open tasks', tenant.openTasks],
    ['at most', tenant.maxOpenTasks ?? OF_INSTALLATION],
    ['running', tenant.running],
    ['at most', tenant.maxRunning ?? OF_INSTALLATION],
    ['since', tenant.createdAt],
  ];
}

const columns: readonly Column<Tenant>[] = [
  { title: 'TENANT', value: ({ id }) => id },
  { title: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
  { title: 'OPEN', value: ({ openTasks }) => openTasks, align: 'right' },
  { title: 'MAX OPEN', value: ({ maxOpenTasks }) => maxOpenTasks, align: 'right' },
  { title: 'RUNNING', value: ({ running }) => running, align: 'right' },
  { title: 'MAX RUNNING', value: ({ maxRunning }) => maxRunning, align: 'right' },
];
