import { assertNever } from './assert-never.ts';
import { readEvidence, runIdsToLookFor } from './attempt-protocol-evidence.ts';
import { graceOf, type Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

/** What to do for an abort that somebody asked for: look, abort, wait, or answer. */
export type AbortStep =
  | Extract<Action, { kind: 'look' | 'abort' | 'wait' }>
  /** Nothing of this attempt executes, and nothing of it can begin by itself. */
  | { readonly kind: 'confirmed' }
  /** Nobody asked to end this attempt. */
  | { readonly kind: 'unasked' };

/**
 * One step of `abortAttempt`, which ends what may still run of an attempt and confirms it by looking (P28, P29).
 * Only a cancel or a decision that Dash was asked for aborts a run (P26): an attempt whose task is not to end, and
 * about which no person is asked, is left alone.
 */
export function decideAbort(situation: Situation): AbortStep {
  const { facts, seen, policy } = situation;
  if (facts.state === 'closed' || facts.state === 'released' || facts.runIds.length === 0) {
    return { kind: 'confirmed' };
  }
  if (facts.cancelRequested === null && facts.state !== 'indeterminate') return { kind: 'unasked' };
  switch (seen.kind) {
    case 'unseen':
    case 'acknowledged':
      return { kind: 'look', runIds: runIdsToLookFor(facts) };
    case 'unreachable':
      return { kind: 'wait', reason: 'unreachable', forMs: policy.pollMs };
    case 'refused':
      return { kind: 'wait', reason: 'refused', forMs: Math.max(seen.retryAfterMs, policy.pollMs) };
    case 'seen':
      return afterLook(situation, seen);
    default:
      return assertNever(seen);
  }
}

function afterLook(situation: Situation, look: LookSeen): AbortStep {
  const evidence = readEvidence(situation.facts, look);
  switch (evidence.kind) {
    case 'executing':
      return { kind: 'abort', runIds: evidence.executing };
    case 'unfinished':
      // A crashed turn may still resume by itself; then it is ended as it shows.
      return graceOf(situation, look) === 'over'
        ? { kind: 'confirmed' }
        : { kind: 'wait', reason: 'recovery', forMs: situation.policy.pollMs };
    case 'other-state':
    case 'answered':
    case 'interrupted':
    case 'failed':
    case 'foreign':
    case 'absent':
      return { kind: 'confirmed' };
    default:
      return assertNever(evidence);
  }
}
