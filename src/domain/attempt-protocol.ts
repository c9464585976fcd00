import { assertNever } from './assert-never.ts';
import { abortUnconfirmed, refused, unreachable } from './attempt-protocol-blind.ts';
import { runLimitPassed, seconds, seenFor, type Situation } from './attempt-protocol-situation.ts';
import {
  nextRunId,
  readEvidence,
  runIdsToLookFor,
  type Evidence,
} from './attempt-protocol-evidence.ts';
import { decideIndeterminate } from './attempt-protocol-indeterminate.ts';
import { watchBudget } from './attempt-protocol-budget.ts';
import { unfinished } from './attempt-protocol-recovery.ts';
import { sendNext } from './attempt-protocol-sending.ts';
import type { Action } from './attempt-protocol-types.ts';
import { failedIfRepeatable } from './attempt-protocol-repeatable.ts';
import type { RunFailure } from './failure.ts';
import type { LookSeen } from './look.ts';
import type { CancelReason } from './task.ts';

/**
 * The attempt protocol (protocol P17–P30 for one attempt): what to do next, given the attempt's row, what the
 * gateway shows, and what this owner remembers. The only place where that is decided.
 *
 * Pure and total: whatever a gateway shows, there is exactly one answer, and no answer sends anything that may have
 * run before. `runTask` does what it says, one action at a time, and asks again.
 */
export function decide(situation: Situation): Action {
  const action = decideNext(situation);
  return action.kind === 'indeterminate' ? failedIfRepeatable(situation, action) : action;
}

function decideNext(situation: Situation): Action {
  const { facts, seen } = situation;
  switch (facts.state) {
    case 'closed':
    case 'released':
      return { kind: 'return' };
    case 'indeterminate':
      return decideIndeterminate(situation);
    case 'planned':
    case 'sending':
    case 'accepted':
      break;
    default:
      return assertNever(facts.state);
  }
  if (facts.cancelRequested === null && deadlinePassed(situation)) {
    return { kind: 'request-end', reason: 'expired' };
  }
  if (facts.state === 'planned' && facts.cancelRequested !== null) {
    return {
      kind: 'release',
      proof: 'planned',
      reason: `${facts.cancelRequested} before it was sent`,
    };
  }
  if (facts.state === 'planned' && facts.budget !== null && facts.budget.gone !== null) {
    // Nothing was sent: the task waits for its budget like any other.
    return { kind: 'release', proof: 'planned', reason: `budget ${facts.budget.gone} is used up` };
  }
  switch (seen.kind) {
    case 'unseen':
      return { kind: 'look', runIds: runIdsToLookFor(facts) };
    case 'acknowledged':
      return acknowledged(situation, seen.runId);
    case 'unreachable':
      return unreachable(situation, seen.why);
    case 'refused':
      return refused(situation, seen.reason, seen.retryAfterMs);
    case 'seen':
      return facts.state === 'planned'
        ? decidePlanned(situation, seen)
        : decideSent(situation, seen);
    default:
      return assertNever(seen);
  }
}

function deadlinePassed({ facts, nowMs }: Situation): boolean {
  return facts.deadlineAtMs !== null && nowMs >= facts.deadlineAtMs;
}

function acknowledged(situation: Situation, runId: string): Action {
  if (situation.facts.state !== 'accepted') return { kind: 'record-accepted', runId };
  if (situation.facts.cancelRequested !== null) {
    return { kind: 'look', runIds: runIdsToLookFor(situation.facts) };
  }
  return follow(situation, runId);
}

/** Follows until the run ends, or until something is due for which nobody but this host watches (P19). */
function follow({ facts, policy, nowMs }: Situation, runId: string): Action {
  const due = [facts.deadlineAtMs, facts.budget === null ? null : nowMs + policy.budgetPollMs];
  if (facts.sendingAtMs !== null) {
    due.push(facts.sendingAtMs + facts.runLimitMs + policy.runLimitMarginMs);
  }
  const forMs = Math.min(...due.map((at) => (at === null ? Infinity : Math.max(at - nowMs, 0))));
  return { kind: 'follow', runId, forMs };
}

/** Nothing was ever committed to the wire for this attempt; the gateway's session may still be another's. */
function decidePlanned(situation: Situation, look: LookSeen): Action {
  const evidence = readEvidence(situation.facts, look);
  switch (evidence.kind) {
    case 'absent':
      return sendNext(situation, look, evidence);
    case 'foreign':
      return sessionBusy(situation, evidence.runIds);
    case 'other-state':
    case 'answered':
    case 'executing':
    case 'interrupted':
    case 'unfinished':
    case 'failed':
      // A run id that was never committed is known there: rows and gateway contradict each other (a restored
      // database, for one). Whatever is done by itself now could be done twice.
      return {
        kind: 'indeterminate',
        reason: 'unexpected',
        evidence: `The gateway already knows run ${nextRunId(situation.facts)} of an attempt that was never sent (${evidence.kind})`,
        keepLane: evidence.kind === 'executing',
      };
    default:
      return assertNever(evidence);
  }
}

/** The ten cases of P22 for an attempt that may have been sent, with the request to end (P28) woven in. */
function decideSent(situation: Situation, look: LookSeen): Action {
  const { facts } = situation;
  const evidence = readEvidence(facts, look);
  switch (evidence.kind) {
    case 'other-state':
      return stateReplaced(situation, look);
    case 'answered':
      return evidence.recovery !== null && isNew(situation, evidence.recovery.runId)
        ? { kind: 'adopt', runId: evidence.recovery.runId, ownRunId: evidence.recovery.ownRunId }
        : { kind: 'collect', answer: evidence.answer };
    case 'executing':
      return executing(situation, evidence, look);
    case 'interrupted':
      if (facts.cancelRequested !== null) return confirmed(facts.cancelRequested);
      // R2: nothing is put behind another's run, not even a resend.
      return look.foreignRunIds.length > 0
        ? sessionBusy(situation, look.foreignRunIds)
        : sendNext(situation, look, evidence);
    case 'unfinished':
      return unfinished(situation, look);
    case 'failed':
      return facts.cancelRequested === null
        ? { kind: 'fail', failure: withLimit(situation, evidence.failure) }
        : confirmed(facts.cancelRequested);
    case 'foreign':
      return facts.cancelRequested === null
        ? sessionBusy(situation, evidence.runIds)
        : nowhere(situation, look);
    case 'absent':
      return nowhere(situation, look);
    default:
      return assertNever(evidence);
  }
}

function isNew({ facts }: Situation, recoveryRunId: string): boolean {
  return !facts.recoveryRunIds.includes(recoveryRunId);
}

function confirmed(reason: CancelReason): Action {
  return { kind: 'confirm-abort', reason };
}

/** Cases 2 and 3: record what is proven, then follow it, or end it when it is to end. */
function executing(
  situation: Situation,
  evidence: Extract<Evidence, { kind: 'executing' }>,
  look: LookSeen,
): Action {
  const { facts, memory, policy } = situation;
  if (facts.state === 'sending') return { kind: 'record-accepted', runId: evidence.runId };
  if (evidence.recovery !== null && isNew(situation, evidence.runId)) {
    return { kind: 'adopt', runId: evidence.runId, ownRunId: evidence.recovery.ownRunId };
  }
  const spending = watchBudget(situation, look);
  if (spending !== null) return spending;
  if (facts.cancelRequested === null && !runLimitPassed(situation)) {
    return follow(situation, evidence.runId);
  }
  if (seenFor(memory.aborting?.sinceMs ?? null, situation) >= policy.abortBoundMs) {
    return abortUnconfirmed(`run ${evidence.executing.join(', ')} still executes`);
  }
  return { kind: 'abort', runIds: evidence.executing };
}

/** Case 6 after the run limit: the failure is the end that Dash itself brought about. */
function withLimit(situation: Situation, failure: RunFailure): RunFailure {
  if (!failure.aborted || !runLimitPassed(situation)) return failure;
  const limit = seconds(situation.facts.runLimitMs);
  return {
    ...failure,
    class: 'transient',
    timedOut: true,
    message: `The run used up its limit of ${limit} and was ended (${failure.message})`.slice(
      0,
      2_000,
    ),
  };
}

/** Case 7. */
function sessionBusy(situation: Situation, runIds: readonly string[]): Action {
  const { memory, policy } = situation;
  const forMs = seenFor(memory.foreignSinceMs, situation);
  if (forMs < policy.sessionBusyMs) {
    return { kind: 'wait', reason: 'session-busy', forMs: policy.pollMs };
  }
  return {
    kind: 'indeterminate',
    reason: 'session-busy',
    evidence: `Another's run has kept the session for ${seconds(forMs)}: ${runIds.join(', ')}`,
    keepLane: false,
  };
}

/** Cases 9 and 10: accepted and nowhere is inexplicable, sent and nowhere is sent again under the same run id. */
function nowhere(situation: Situation, look: LookSeen): Action {
  const { facts, memory, policy } = situation;
  if (facts.cancelRequested === null && facts.state !== 'accepted') {
    return sendNext(situation, look, { kind: 'absent' });
  }
  const mayStillArrive =
    facts.state === 'sending' && facts.bootId === look.gateway.bootId && !memory.provablyUnsent;
  const boundMs = mayStillArrive
    ? policy.arrivalMs
    : facts.state === 'accepted'
      ? policy.settleMs
      : 0;
  const stillForMs = seenFor(memory.still?.sinceMs ?? memory.foreignSinceMs, situation);
  if (stillForMs < boundMs) {
    return {
      kind: 'wait',
      reason: mayStillArrive ? 'arrival' : 'settling',
      forMs: Math.min(policy.pollMs, boundMs - stillForMs),
    };
  }
  if (facts.cancelRequested !== null) return confirmed(facts.cancelRequested);
  return {
    kind: 'indeterminate',
    reason: 'vanished',
    evidence: `The gateway had accepted run ${facts.runIds.at(-1) ?? ''} and shows no trace of it now (boot ${look.gateway.bootId})`,
    keepLane: false,
  };
}

function stateReplaced({ facts }: Situation, look: LookSeen): Action {
  return {
    kind: 'indeterminate',
    reason: 'state-replaced',
    evidence: `Run ${facts.runIds.at(-1) ?? ''} was sent to state ${facts.stateId}; state ${look.gateway.stateId ?? 'without sentinel'} answers now`,
    keepLane: false,
  };
}
