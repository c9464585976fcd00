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
 * Whether a turn that began and does not execute may still resume by itself (P22 case 5, ADR 0010).
 * - `runs`: the boot is young, or the turn has not been motionless for longer than one book lags behind another.
 * - `suspended`: the boot is old enough, but resumes another turn, or has until less than a grace ago: this one may
 *   be the next. Only recovery runs suspend, never other work.
 * - `over`: no recovery run of it will appear any more.
 */
export function graceOf(situation: Situation, look: LookSeen): 'runs' | 'suspended' | 'over' {
  const { memory, policy } = situation;
  const { readyForMs, noRecoveryForMs } = look.gateway;
  const settled = seenFor(memory.still?.sinceMs ?? null, situation) >= policy.settleMs;
  if (!settled || readyForMs < policy.recoveryGraceMs) return 'runs';
  return noRecoveryForMs < policy.recoveryGraceMs ? 'suspended' : 'over';
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
