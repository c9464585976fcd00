/** How fast Dash notices a loss in this run. */
export interface Pace {
  readonly holdHeartbeatMs: number;
  readonly holdTimeoutMs: number;
  readonly runHeartbeatMs: number;
  readonly runTimeoutMs: number;
}

const SMALL_FLEET = 10;

/**
 * Shorter than in production, so that a loss is noticed within seconds. A large fleet on one machine gets twice the
 * time: its heartbeats alone would keep the machine busy. Pure.
 */
export function paceFor(gateways: number): Pace {
  const factor = gateways <= SMALL_FLEET ? 1 : 2;
  return {
    holdHeartbeatMs: 500 * factor,
    holdTimeoutMs: 3_000 * factor,
    runHeartbeatMs: 1_000 * factor,
    runTimeoutMs: 3_000 * factor,
  };
}
