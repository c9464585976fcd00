/** A gateway that has room, as the router sees it. Lanes are counts. */
export interface Candidate {
  readonly gatewayId: string;
  readonly lanes: number;
  readonly heldLanes: number;
  readonly foreignRuns: number;
}

export interface RoutedGateway {
  readonly gatewayId: string;
  /** 0 to 1; among gateways that fit a task, the claim takes the greatest. */
  readonly score: number;
  /** Machine-readable, stored with each attempt that follows (P12). */
  readonly reasons: readonly string[];
}

/**
 * Scores gateways for the next claim: the emptier, the better, so that work spreads before it queues behind itself.
 * Hard conditions (pool, tenant, pin, lane, cap) are the claim's; this only ranks. Pure, total, deterministic.
 */
export function route(candidates: readonly Candidate[]): RoutedGateway[] {
  return candidates.map(({ gatewayId, lanes, heldLanes, foreignRuns }) => {
    const used = Math.min(lanes, Math.max(0, heldLanes) + Math.max(0, foreignRuns));
    const utilisation = lanes <= 0 ? 1 : used / lanes;
    return {
      gatewayId,
      score: Number((1 - utilisation).toFixed(4)),
      reasons: [`utilisation:${used}/${lanes}`],
    };
  });
}
