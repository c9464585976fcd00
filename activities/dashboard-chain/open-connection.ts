import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { Holds } from '../hold-gateway/hold-gateway.ts';

/** The connection of the hold that lives here; null: there is none, or it is not open. */
export function openConnection(
  holds: Pick<Holds, 'find'>,
  gatewayId: string,
): GatewayConnection | null {
  return holds.find(gatewayId)?.tender.openConnection() ?? null;
}
