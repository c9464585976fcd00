/** Gateway states for people, and waiting for one. */
import type { DashClient } from '../src/contract/client.ts';
import type { Gateway } from '../src/contract/gateways.ts';
import type { GatewayState } from '../src/domain/gateway.ts';
import type { CliContext } from './context.ts';
import { follow } from './follow.ts';

/** `failed (auth): the gateway refused the token`. */
export function gatewayStateWords(
  gateway: Pick<Gateway, 'state' | 'failure' | 'stateReason'>,
): string {
  const failure = gateway.failure === null ? '' : ` (${gateway.failure})`;
  const reason = gateway.stateReason === null ? '' : `: ${gateway.stateReason}`;
  return `${gateway.state}${failure}${reason}`;
}

/** Follows a gateway until `isEnd`; a `failed` one is always an end, for only a person gets it out of there. */
export function followGateway(options: {
  context: CliContext;
  client: DashClient;
  gatewayId: string;
  isEnd: (gateway: Gateway) => boolean;
  timeoutMs: number | undefined;
}): Promise<Gateway> {
  const { context, client, gatewayId, isEnd } = options;
  let said: GatewayState | undefined;
  return follow({
    context,
    client,
    what: `gateway ${gatewayId}`,
    filter: { gateway: gatewayId },
    timeoutMs: options.timeoutMs,
    read: () => client.gateways.get({ params: { gatewayId }, signal: context.signal }),
    isEnd: (gateway) => isEnd(gateway) || gateway.state === 'failed',
    onState: (gateway) => {
      if (gateway.state !== said)
        context.output.note(`${gatewayId} is ${gatewayStateWords(gateway)}`);
      said = gateway.state;
    },
  });
}
