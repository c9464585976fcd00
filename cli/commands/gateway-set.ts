import { z } from 'zod';
import type { UpdateGateway } from '../../src/contract/gateways.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { flag, pairs, positiveCount, positiveNumber, textList } from '../fields.ts';

const input = z.object({
  gateway: z.string(),
  label: pairs,
  region: z.string().optional(),
  withoutRegion: flag,
  capability: textList,
  tenant: textList,
  everyTenant: flag,
  lanes: positiveCount.optional(),
  costWeight: positiveNumber.optional(),
});
type Input = z.output<typeof input>;

export const gatewaySet = defineCommand({
  path: ['gateway', 'set'],
  summary: 'Change the settings of a gateway',
  details:
    'What is not given stays; labels, capabilities and tenants that are given replace all former ones. ' +
    'The next claim heeds the change, what runs there goes on.',
  arguments: [{ name: 'gateway', help: 'gateway id' }],
  options: [
    { flags: '--label <name=value>', help: 'all its labels (repeat it)', repeatable: true },
    { flags: '--region <region>', help: 'where it stands' },
    { flags: '--without-region', help: 'it has no region' },
    { flags: '--capability <names>', help: 'all it can do (several: a,b)', repeatable: true },
    { flags: '--tenant <tenants>', help: 'only for these tenants (a,b)', repeatable: true },
    { flags: '--every-tenant', help: 'for every tenant' },
    { flags: '--lanes <n>', help: 'runs at the same time' },
    { flags: '--cost-weight <n>', help: 'its share of the spend, relative to the others' },
  ],
  examples: ['dashctl gateway set gw-7 --lanes 8 --cost-weight 2'],
  input,
  run: set,
});

async function set(given: Input, context: CliContext): Promise<ExitCode> {
  const body = changesOf(given);
  const client = await context.client();
  const params = { gatewayId: given.gateway };
  const gateway = await client.gateways.update({ params, body, signal: context.signal });
  context.output.result(gateway, (print) => print.line(`${gateway.id}: changed`));
  return EXIT.ok;
}

function changesOf(given: Input): UpdateGateway {
  const { label, region, capability, tenant, lanes, costWeight } = given;
  if (given.withoutRegion && region !== undefined)
    throw usage('Give --region or --without-region.');
  if (given.everyTenant && tenant !== undefined) throw usage('Give --tenant or --every-tenant.');
  const changes: UpdateGateway = {
    ...(label === undefined ? {} : { labels: label }),
    ...(region === undefined ? {} : { region }),
    ...(given.withoutRegion ? { region: null } : {}),
    ...(capability === undefined ? {} : { capabilities: capability }),
    ...(tenant === undefined ? {} : { allowedTenants: tenant }),
    ...(given.everyTenant ? { allowedTenants: null } : {}),
    ...(lanes === undefined ? {} : { lanes }),
    ...(costWeight === undefined ? {} : { costWeight }),
  };
  if (Object.keys(changes).length === 0) throw usage('Name at least one setting to change.');
  return changes;
}

function usage(message: string): CliError {
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message,
    hint: 'See: dashctl gateway set --help',
  });
}
