import { nextRunId, type Evidence } from './attempt-protocol-evidence.ts';
import { seenFor, type Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

type Sendable = Extract<Evidence, { kind: 'absent' | 'interrupted' }>;

/**
 * Cases 4 and 10: the gateway shows that no turn of this attempt has begun. Commit, then send (P23).
 *
 * The run id changes only when the last one is burnt (case 4). In every other case the same one goes out again: the
 * frame that may still be on the wire bears it too, and the gateway's boot takes it once.
 */
export function sendNext(situation: Situation, look: LookSeen, evidence: Sendable): Action {
  const { facts, memory } = situation;
  const { bootId, stateId } = look.gateway;
  if (stateId === null) return withoutSentinel(situation);
  // The look is the one from before the commit: it cannot list a run id that was new then.
  if (memory.committed?.bootId === bootId) return { kind: 'send', ...memory.committed };
  const last = facts.runIds.at(-1);
  const runId = last === undefined || evidence.kind === 'interrupted' ? nextRunId(facts) : last;
  return (
    afterRefusal(situation, look, evidence) ?? { kind: 'commit-sending', runId, bootId, stateId }
  );
}

/** Without the sentinel a replaced state could not be told from this one: its owner makes it at connect. */
function withoutSentinel(situation: Situation): Action {
  const { memory, policy } = situation;
  const forMs = seenFor(memory.still?.sinceMs ?? null, situation);
  return forMs >= policy.unsentWaitMs
    ? { kind: 'release', proof: 'planned', reason: 'the gateway has no state sentinel' }
    : { kind: 'wait', reason: 'sentinel', forMs: policy.pollMs };
}

/** What a refused commit or send means now; null: try again. */
function afterRefusal(situation: Situation, look: LookSeen, evidence: Sendable): Action | null {
  const { facts, memory, policy, nowMs } = situation;
  const { refusal } = memory;
  if (refusal === null) return null;
  if (refusal.kind === 'invalid')
    return { kind: 'fail', failure: invalid(situation, refusal.message) };
  const forMs = nowMs - refusal.sinceMs;
  const boundMs = refusal.kind === 'closed' ? 0 : policy.unsentWaitMs;
  if (isProvablyUnsent(situation, look, evidence) && forMs >= boundMs) {
    const proof = facts.state === 'planned' ? 'planned' : 'refused-sending';
    return { kind: 'release', proof, reason: refusal.message };
  }
  if (refusal.kind === 'unclear') return afterUnclear(situation, refusal);
  if (forMs >= policy.gatewayGoneMs) return neverTaken(situation, evidence, refusal.message);
  const pauseMs = refusal.atMs + (refusal.retryAfterMs ?? policy.pollMs) - nowMs;
  const reason = refusal.kind === 'closed' ? 'gateway-closed' : 'refused';
  return pauseMs > 0 ? { kind: 'wait', reason, forMs: pauseMs } : null;
}

/** Longest pause between two sends that nobody answers. */
const LONGEST_UNCLEAR_PAUSE_MS = 30_000;

/**
 * The send may still arrive: each look without it is followed by a longer pause, and the same run id goes out again
 * only after it (R10). A gateway that never answers and never shows anything is for a person (G11).
 */
function afterUnclear(
  { policy, nowMs }: Situation,
  refusal: NonNullable<Situation['memory']['refusal']>,
): Action | null {
  if (refusal.times >= policy.maxUnclearSends) {
    return {
      kind: 'indeterminate',
      reason: 'unexpected',
      evidence: `${refusal.times} sends were left without an answer, and the gateway shows nothing of the run: ${refusal.message}`,
      keepLane: false,
    };
  }
  const boundMs = Math.min(policy.pollMs * 2 ** (refusal.times - 1), LONGEST_UNCLEAR_PAUSE_MS);
  const pauseMs = refusal.atMs + boundMs - nowMs;
  return pauseMs > 0 ? { kind: 'wait', reason: 'arrival', forMs: pauseMs } : null;
}

/**
 * P27: nothing ever ran and nothing still can. Either this owner made every send and each was refused, or all sends
 * went to an earlier boot under one run id: the input is durable before the answer, and the wire to that boot is gone.
 */
function isProvablyUnsent(situation: Situation, look: LookSeen, evidence: Sendable): boolean {
  const { facts, memory } = situation;
  if (memory.provablyUnsent) return true;
  return (
    evidence.kind === 'absent' &&
    facts.state === 'sending' &&
    facts.runIds.length === 1 &&
    facts.bootId !== look.gateway.bootId
  );
}

function neverTaken({ facts, policy }: Situation, evidence: Sendable, message: string): Action {
  if (evidence.kind === 'interrupted') {
    return {
      kind: 'fail',
      failure: {
        runId: facts.runIds.at(-1) ?? nextRunId(facts),
        class: 'transient',
        message: `The run was interrupted before it began, and the gateway took no other since: ${message}`,
        retryAfterMs: null,
        aborted: false,
        timedOut: false,
      },
    };
  }
  return {
    kind: 'indeterminate',
    reason: 'gateway-gone',
    evidence: `The gateway shows nothing of the run and took no resend for ${Math.round(policy.gatewayGoneMs / 1_000)} s: ${message}`,
    keepLane: false,
  };
}

function invalid(
  { facts }: Situation,
  message: string,
): {
  runId: string;
  class: 'permanent';
  message: string;
  retryAfterMs: null;
  aborted: false;
  timedOut: false;
} {
  return {
    runId: facts.runIds.at(-1) ?? nextRunId(facts),
    class: 'permanent',
    message: `The gateway rejects the request: ${message}`.slice(0, 2_000),
    retryAfterMs: null,
    aborted: false,
    timedOut: false,
  };
}
