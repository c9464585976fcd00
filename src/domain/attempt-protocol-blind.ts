import { runLimitPassed, seconds, seenFor, type Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';

/** The gateway cannot be seen: nothing is concluded from that but how long it has lasted. */
export function unreachable(situation: Situation, why: string): Action {
  const { memory, policy } = situation;
  const forMs = seenFor(memory.unreachableSinceMs, situation);
  if (memory.provablyUnsent && forMs >= policy.unsentWaitMs) {
    return releaseUnsent(
      situation,
      `the gateway was out of reach before anything was sent: ${why}`,
    );
  }
  if (abortOverdue(situation, memory.unreachableSinceMs)) return abortUnconfirmed(why);
  if (forMs >= policy.gatewayGoneMs) {
    return {
      kind: 'indeterminate',
      reason: 'gateway-gone',
      evidence: `The gateway could not be reached for ${seconds(forMs)}; last error: ${why}`,
      keepLane: true,
    };
  }
  return { kind: 'wait', reason: 'unreachable', forMs: policy.pollMs };
}

/** Case 8: nothing was or will be done with the request; what runs there goes on. */
export function refused(situation: Situation, reason: string, retryAfterMs: number): Action {
  const { memory, policy } = situation;
  if (memory.provablyUnsent && seenFor(memory.refusedSinceMs, situation) >= policy.unsentWaitMs) {
    return releaseUnsent(
      situation,
      `the gateway took no work (${reason}) before anything was sent`,
    );
  }
  if (abortOverdue(situation, memory.refusedSinceMs)) {
    return abortUnconfirmed(`the gateway answers no look (${reason})`);
  }
  const forMs = Math.min(Math.max(retryAfterMs, policy.abortPollMs), policy.inattentionMs / 2);
  return { kind: 'wait', reason: 'refused', forMs };
}

function releaseUnsent({ facts }: Situation, reason: string): Action {
  const proof = facts.state === 'planned' ? 'planned' : 'refused-sending';
  return { kind: 'release', proof, reason };
}

/** The run is to end (cancel, or its limit), and for the whole bound nobody could see or reach it. */
function abortOverdue(situation: Situation, blindSinceMs: number | null): boolean {
  const { facts, memory, policy } = situation;
  if (memory.provablyUnsent) return false;
  const blindForMs = seenFor(blindSinceMs, situation);
  if (facts.cancelRequested !== null) {
    return Math.min(blindForMs, seenFor(memory.endingSinceMs, situation)) >= policy.abortBoundMs;
  }
  return runLimitPassed(situation) && blindForMs >= policy.gatewayGoneMs;
}

/** P28: not confirmed within the bound; the lane stays held until the gateway shows that nothing executes. */
export function abortUnconfirmed(why: string): Action {
  return {
    kind: 'indeterminate',
    reason: 'abort-unconfirmed',
    evidence: `The run was to be ended, and the gateway did not show that it has: ${why}`,
    keepLane: true,
  };
}
