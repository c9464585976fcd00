import type { AttemptPolicy } from './attempt-protocol-policy.ts';
import type { AttemptFacts, Memory, Observation } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

/** Everything a decision is made from. `memory` has taken in `seen` already (`remember`). */
export interface Situation {
  readonly facts: AttemptFacts;
  readonly seen: Observation;
  readonly memory: Memory;
  readonly policy: AttemptPolicy;
  /** Now, on the owner's monotonic clock. */
  readonly nowMs: number;
}

/** How long something has been the case, up to the last look; 0 when it is not. */
export function seenFor(sinceMs: number | null, { memory, nowMs }: Situation): number {
  return sinceMs === null ? 0 : (memory.lookedAtMs ?? nowMs) - sinceMs;
}

/**
 * No recovery run will appear any more (P22 case 5): the gateway has been ready for the whole grace in this boot, and
 * has shown the turn motionless for long enough that it is not just a book lagging behind another.
 */
export function graceIsOver(situation: Situation, look: LookSeen): boolean {
  const { memory, policy } = situation;
  return (
    look.gateway.readyForMs >= policy.recoveryGraceMs &&
    seenFor(memory.still?.sinceMs ?? null, situation) >= policy.settleMs
  );
}

/** The gateway's limit and Dash's margin are both used up (measured from the first send). */
export function runLimitPassed({ facts, policy, nowMs }: Situation): boolean {
  return (
    facts.sendingAtMs !== null &&
    nowMs >= facts.sendingAtMs + facts.runLimitMs + policy.runLimitMarginMs
  );
}

/** A duration for people. */
export function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
