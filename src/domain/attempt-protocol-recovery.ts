import { assertNever } from './assert-never.ts';
import { abortUnconfirmed } from './attempt-protocol-blind.ts';
import { nextRunId } from './attempt-protocol-evidence.ts';
import {
  graceOf,
  runLimitPassed,
  seconds,
  seenFor,
  type Situation,
} from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

/** P22 case 5: a crashed turn resumes by itself; only when it has not by then does nobody know. */
export function unfinished(situation: Situation, look: LookSeen): Action {
  const { facts, policy } = situation;
  if (facts.state === 'sending') {
    return { kind: 'record-accepted', runId: facts.runIds.at(-1) ?? nextRunId(facts) };
  }
  const grace = graceOf(situation, look);
  switch (grace) {
    case 'runs':
      return { kind: 'wait', reason: 'recovery', forMs: policy.pollMs };
    case 'suspended':
      return behindOthers(situation, look);
    case 'over':
      if (facts.cancelRequested !== null) {
        return { kind: 'confirm-abort', reason: facts.cancelRequested };
      }
      return noRecovery(
        look,
        `no recovery run of it appeared within ${seconds(policy.recoveryGraceMs)} of the gateway's start ` +
          'and of the last turn that the gateway was seen resuming',
      );
    default:
      return assertNever(grace);
  }
}

/**
 * Other interrupted turns are resumed first, for as long as they take (ADR 0010). What bounds the wait is the
 * attempt's own run limit, or the bound of an abort.
 */
function behindOthers(situation: Situation, look: LookSeen): Action {
  const { facts, memory, policy } = situation;
  if (facts.cancelRequested !== null) {
    const endingForMs = seenFor(memory.endingSinceMs, situation);
    if (Math.min(endingForMs, look.gateway.readyForMs) >= policy.abortBoundMs) {
      return abortUnconfirmed('it resumes other interrupted turns first, and may resume this one');
    }
  } else if (runLimitPassed(situation)) {
    return noRecovery(
      look,
      `its limit of ${seconds(facts.runLimitMs)} passed while the gateway resumed other interrupted turns first`,
    );
  }
  return { kind: 'wait', reason: 'recovery-queue', forMs: policy.pollMs };
}

function noRecovery({ gateway }: LookSeen, why: string): Action {
  return {
    kind: 'indeterminate',
    reason: 'no-recovery',
    evidence: `The turn began and is neither finished nor executing; ${why} (boot ${gateway.bootId})`,
    keepLane: false,
  };
}
