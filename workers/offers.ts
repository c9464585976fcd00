import type { GatewayHold } from '../activities/hold-gateway/gateway-hold.ts';
import type { OfferedGateway } from '../src/db/claim.ts';
import { route } from '../src/router/route.ts';

/** The lanes that a host may fill now, scored by the router (P12, P16). */
export function offersOf(holds: readonly GatewayHold[]): OfferedGateway[] {
  const usable = holds.flatMap((hold) => {
    const offer = hold.offered();
    const row = hold.tender.row;
    return offer === null || row === null ? [] : [{ offer, row }];
  });
  const routed = new Map(
    route(
      usable.map(({ row }) => ({
        gatewayId: row.id,
        lanes: row.lanes.configured,
        heldLanes: row.lanes.held,
        foreignRuns: row.lanes.foreign,
      })),
    ).map((scored) => [scored.gatewayId, scored]),
  );
  return usable.map(({ offer }) => {
    const { score = 0, reasons = [] } = routed.get(offer.gatewayId) ?? {};
    return { ...offer, score, reasons };
  });
}
