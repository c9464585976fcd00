import type { GatewayHold } from '../activities/hold-gateway/gateway-hold.ts';
import type { OfferedGateway } from '../src/db/claim.ts';
import type { GatewayRecord } from '../src/db/gateway-record.ts';
import { regionWeightOf, type RegionWeights } from '../src/domain/region-weights.ts';
import { route, type Candidate, type RoutedGateway } from '../src/router/route.ts';

/** The lanes that a host may fill now, scored by the router (P12, P16). */
export function offersOf(
  holds: readonly GatewayHold[],
  regions: RegionWeights = new Map(),
): OfferedGateway[] {
  const usable = holds.flatMap((hold) => {
    const offer = hold.offered();
    const row = hold.tender.row;
    return offer === null || row === null ? [] : [{ offer, row }];
  });
  const routed = new Map(
    route(usable.map(({ row }) => candidateOf(row, regions))).map((scored) => [
      scored.gatewayId,
      scored,
    ]),
  );
  return usable.flatMap(({ offer }) => {
    const scored = routed.get(offer.gatewayId);
    return scored === undefined ? [] : [offerOf(offer, scored)];
  });
}

/** The row, as the router sees it. */
export function candidateOf(
  { id, lanes, recent, costWeight, region }: GatewayRecord,
  regions: RegionWeights,
): Candidate {
  const unlimited = Number.POSITIVE_INFINITY;
  return {
    gatewayId: id,
    lanes: Math.min(lanes.configured, lanes.reported ?? unlimited, lanes.health ?? unlimited),
    costWeight,
    costUsd: recent.costUsd,
    errorRate: recent.errorRate,
    recentRuns: recent.runs,
    acceptMs: recent.acceptMs,
    runMs: recent.runMs,
    regionWeight: regionWeightOf(regions, region),
  };
}

/** A gateway with its route, as the claim takes it. */
export function offerOf(
  offer: Pick<OfferedGateway, 'gatewayId' | 'ownerEpoch' | 'lanes'>,
  { score, perRun, spend, reasons }: RoutedGateway,
): OfferedGateway {
  return {
    ...offer,
    score,
    perRun,
    reasons,
    ...(spend === null
      ? {}
      : { perSpend: spend.perUnit, charge: spend.charge, credit: spend.credit }),
  };
}
