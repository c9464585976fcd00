import { assertNever } from './assert-never.ts';
import { readEvidence, runIdsToLookFor, type Evidence } from './attempt-protocol-evidence.ts';
import type { Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

/**
 * An attempt that waits for a person. It is never sent again by itself; but when its run, or the gateway's recovery
 * of it, shows after all, it is followed and nobody need decide. Its lane is free as soon as nothing executes.
 */
export function decideIndeterminate(situation: Situation): Action {
  const { facts, seen } = situation;
  if (facts.decided) return { kind: 'return' };
  switch (seen.kind) {
    case 'unseen':
      return { kind: 'look', runIds: runIdsToLookFor(facts) };
    case 'acknowledged':
    case 'unreachable':
    case 'refused':
      return { kind: 'return' };
    case 'seen':
      return afterLook(situation, seen);
    default:
      return assertNever(seen);
  }
}

function afterLook(situation: Situation, look: LookSeen): Action {
  const { facts, policy } = situation;
  const evidence = readEvidence(facts, look);
  const mayResume =
    evidence.kind === 'unfinished' && look.gateway.noRecoveryForMs < policy.recoveryGraceMs;
  const over = evidence.kind !== 'executing' && !mayResume;
  const endsAsAsked = facts.cancelRequested !== null && over && evidence.kind !== 'other-state';
  // What was never committed to the wire is not this attempt's run, whatever its name (P36).
  if (facts.runIds.length > 0 && (shows(evidence) || endsAsAsked)) return { kind: 'reappear' };
  return facts.holdsLane && over ? { kind: 'free-lane' } : { kind: 'return' };
}

function shows(evidence: Evidence): boolean {
  switch (evidence.kind) {
    case 'answered':
    case 'executing':
    case 'failed':
      return true;
    case 'other-state':
    case 'interrupted':
    case 'unfinished':
    case 'foreign':
    case 'absent':
      return false;
    default:
      return assertNever(evidence);
  }
}
