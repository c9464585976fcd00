/** The one managed gateway of `dashctl up`: the same one at every start. */
import { ApiError } from '../../src/contract/client-errors.ts';
import type { DashClient } from '../../src/contract/client.ts';
import type { Gateway } from '../../src/contract/gateways.ts';
import type { Progress } from '../../src/local/progress.ts';
import { CliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { followGateway, gatewayStateWords } from '../gateway-state.ts';

export const LOCAL_GATEWAY_ID = 'local-1';

/** A first start of OpenClaw takes 10–15 s on an idle machine, and minutes on a busy one. */
const OPEN_WITHIN_MS = 5 * 60_000;

/** Registers the gateway unless it is known, and says to bring it back when an operator or a failure keeps it down. */
async function ensureLocalGateway(
  client: DashClient,
  say: (line: string) => void,
): Promise<Gateway> {
  const params = { gatewayId: LOCAL_GATEWAY_ID };
  const known = await client.gateways.get({ params }).catch((error: unknown) => {
    if (error instanceof ApiError && error.problem.code === 'gateway-not-found') return null;
    throw error;
  });
  if (known === null)
    return client.gateways.register({ body: { kind: 'managed', id: LOCAL_GATEWAY_ID } });
  if (known.state === 'failed') {
    say(`Gateway ${known.id} was ${gatewayStateWords(known)}; trying again.`);
    await client.gateways.recover({ params, body: { reason: 'dashctl up' } });
  }
  return known;
}

/**
 * The gateway, open. Throws a CliError that says why and what to do when it failed, was stopped,
 * drained or removed by an operator, or did not open in time.
 */
export async function openLocalGateway(options: {
  context: CliContext;
  client: DashClient;
  progress: Progress;
  /** The last boot before this start: its row may still say `open`, and nobody is there. */
  earlierBootId: string | null;
}): Promise<Gateway> {
  const { context, client, progress, earlierBootId } = options;
  const step = progress.step(`Starting OpenClaw gateway ${LOCAL_GATEWAY_ID}`);
  try {
    const known = await ensureLocalGateway(client, progress.line);
    if (known.desiredState !== 'running') throw keptDown(known);
    const told = { ...context.output, note: (text: string) => step.note(text) };
    const gateway = await followGateway({
      context: { ...context, output: told },
      client,
      gatewayId: LOCAL_GATEWAY_ID,
      isEnd: ({ state, bootId }) =>
        (state === 'open' || state === 'degraded') && bootId !== earlierBootId,
      timeoutMs: OPEN_WITHIN_MS,
    });
    if (gateway.state === 'failed') throw failed(gateway);
    step.done(
      `OpenClaw gateway ${gateway.id} (${gateway.version ?? 'version unknown'}) at ${gateway.endpoint}`,
    );
    return gateway;
  } catch (error) {
    step.fail(`OpenClaw gateway ${LOCAL_GATEWAY_ID} is not open`);
    throw error;
  }
}

function failed(gateway: Gateway): CliError {
  return new CliError({
    exitCode: EXIT.failed,
    code: 'gateway-failed',
    message: `Gateway ${gateway.id} is ${gatewayStateWords(gateway)}.`,
    hint:
      gateway.hint ??
      `Its log is in the data directory; afterwards: dashctl gateway recover ${gateway.id}`,
  });
}

function keptDown(gateway: Gateway): CliError {
  const way = {
    drained: 'undrain',
    cordoned: 'uncordon',
    stopped: 'start',
    running: 'recover',
  } as const;
  const hint =
    gateway.desiredState === 'removed'
      ? 'Ids are never used again: name another data directory with DASH_DATA_DIR, or register a gateway with dashctl gateway add --managed.'
      : `Bring it back: dashctl gateway ${way[gateway.desiredState]} ${gateway.id}`;
  return new CliError({
    exitCode: EXIT.failed,
    code: 'gateway-kept-down',
    message: `Gateway ${gateway.id} is wanted ${gateway.desiredState} by an operator, so nothing can run on it.`,
    hint,
  });
}
