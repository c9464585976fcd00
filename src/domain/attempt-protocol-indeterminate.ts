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
  if (facts.runIds.length === 0 || facts.decided) {
    const idle = facts.runIds.length === 0 && facts.holdsLane;
    return idle ? { kind: 'free-lane' } : { kind: 'return' };
  }
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
  const { facts } = situation;
  const evidence = readEvidence(facts, look);
  const over =
    evidence.kind !== 'unfinished' || look.gateway.readyForMs >= situation.policy.recoveryGraceMs;
  if (
    shows(evidence) ||
    (facts.cancelRequested !== null && over && evidence.kind !== 'other-state')
  ) {
    return { kind: 'reappear' };
  }
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
