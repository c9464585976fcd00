import { z } from 'zod';
import type { RegisterGateway } from '../../src/contract/gateways.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { flag, pairs, positiveCount, positiveNumber, spanSeconds, textList } from '../fields.ts';
import { followGateway, gatewayStateWords } from '../gateway-state.ts';
import { readAll, readNamed } from '../swarm-file.ts';

const input = z.object({
  endpoint: z.string().optional(),
  id: z.string().optional(),
  managed: flag,
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  label: pairs,
  region: z.string().optional(),
  capability: textList,
  tenant: textList,
  lanes: positiveCount.optional(),
  costWeight: positiveNumber.optional(),
  wait: flag,
  timeout: spanSeconds.optional(),
});
type Input = z.output<typeof input>;

export const gatewayAdd = defineCommand({
  path: ['gateway', 'add'],
  summary: 'Register a gateway',
  details:
    'Adopted (the usual case): Dash connects to a gateway that runs already; give its endpoint and its token. ' +
    'The token comes from --token-file, the variable DASH_GATEWAY_TOKEN, or --token (other users of this machine can ' +
    'see the arguments of a running command). Managed: Dash starts and stops the process on its host.',
  arguments: [{ name: 'endpoint', help: 'ws://host:port or wss://…', optional: true }],
  options: [
    { flags: '--id <id>', help: 'its id (made from the endpoint)' },
    { flags: '--managed', help: 'Dash starts and stops its process' },
    { flags: '--token <token>', help: "the gateway's shared token" },
    { flags: '--token-file <file>', help: 'a file that holds the token (`-`: standard input)' },
    {
      flags: '--label <name=value>',
      help: 'label, for pools (several: repeat it)',
      repeatable: true,
    },
    { flags: '--region <region>', help: 'where it stands' },
    { flags: '--capability <names>', help: 'what it can do (several: a,b)', repeatable: true },
    {
      flags: '--tenant <tenants>',
      help: 'only for these tenants (several: a,b; every one)',
      repeatable: true,
    },
    { flags: '--lanes <n>', help: 'runs at the same time (4)' },
    {
      flags: '--cost-weight <n>',
      help: 'its share of the spend, relative to the others (1)',
    },
    { flags: '--wait', help: 'until it is open (exit code 1 when it failed instead)' },
    { flags: '--timeout <span>', help: 'with --wait: how long to wait (exit code 3 afterwards)' },
  ],
  examples: [
    'dashctl gateway add ws://127.0.0.1:18789 --token-file token.txt --wait',
    'dashctl gateway add wss://gw-7.example:18789 --id gw-7 --label team=docs --lanes 8',
  ],
  input,
  run: add,
});

async function add(given: Input, context: CliContext): Promise<ExitCode> {
  const { output, signal } = context;
  const client = await context.client();
  const gateway = await client.gateways.register({ body: await bodyOf(given, context), signal });
  if (!given.wait) {
    output.result(gateway, (print) => print.line(gateway.id));
    if (output.isInteractive)
      output.note(`Registered; see how it gets on: dashctl gateway get ${gateway.id}`);
    return EXIT.ok;
  }
  const reached = await followGateway({
    context,
    client,
    gatewayId: gateway.id,
    isEnd: ({ state }) => state === 'open' || state === 'degraded',
    timeoutMs: given.timeout === undefined ? undefined : given.timeout * 1000,
  });
  output.result(reached, (print) => print.line(`${reached.id} ${gatewayStateWords(reached)}`));
  if (reached.state !== 'failed') return EXIT.ok;
  if (reached.hint !== null) output.note(reached.hint);
  return EXIT.failed;
}

async function bodyOf(given: Input, context: CliContext): Promise<RegisterGateway> {
  const { endpoint, id, label, region, capability, tenant, lanes, costWeight } = given;
  const token = await tokenOf(given, context);
  const shared = {
    ...(id === undefined ? {} : { id }),
    ...(label === undefined ? {} : { labels: label }),
    ...(region === undefined ? {} : { region }),
    ...(capability === undefined ? {} : { capabilities: capability }),
    ...(tenant === undefined ? {} : { allowedTenants: tenant }),
    ...(lanes === undefined ? {} : { lanes }),
    ...(costWeight === undefined ? {} : { costWeight }),
  };
  if (given.managed) {
    return {
      kind: 'managed',
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(token === undefined ? {} : { token }),
      ...shared,
    };
  }
  if (endpoint === undefined)
    throw usage('An endpoint is missing (or --managed, for a gateway that Dash is to start).');
  if (token === undefined)
    throw usage('A token is missing: --token-file, DASH_GATEWAY_TOKEN or --token.');
  return { kind: 'adopted', endpoint, token, ...shared };
}

async function tokenOf(given: Input, context: CliContext): Promise<string | undefined> {
  if (given.token !== undefined && given.tokenFile !== undefined) {
    throw usage('Give the token once: --token or --token-file.');
  }
  if (given.token !== undefined) return given.token;
  if (given.tokenFile === '-') return (await readAll(context.stdin)).trim();
  if (given.tokenFile !== undefined) return (await readNamed(given.tokenFile, context.cwd)).trim();
  const fromEnvironment = context.env['DASH_GATEWAY_TOKEN'];
  return fromEnvironment === '' ? undefined : fromEnvironment;
}

function usage(message: string): CliError {
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message,
    hint: 'See: dashctl gateway add --help',
  });
}
