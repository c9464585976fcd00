import type { AttemptFacts } from './attempt-protocol-types.ts';
import type { RunAnswer, RunFailure } from './failure.ts';
import type { LookSeen, OwnRun, RecoveryRun } from './look.ts';
import { runIdOf } from './names.ts';

/**
 * What a look proves about an attempt: the cases of P22 in their order, each reduced to what the next step needs.
 * Total: every look is exactly one of these.
 */
export type Evidence =
  /** Another state directory answers: whatever it shows says nothing about this attempt (case 9). */
  | { readonly kind: 'other-state' }
  /** Case 1. `recovery`: the run that gave the answer, when it was the gateway's own. */
  | {
      readonly kind: 'answered';
      readonly answer: RunAnswer;
      readonly recovery: RecoveryRun | null;
    }
  /** Cases 2 and 3; `executing` lists every run of the attempt that still executes. */
  | {
      readonly kind: 'executing';
      readonly runId: string;
      readonly recovery: RecoveryRun | null;
      readonly executing: readonly string[];
    }
  /** Case 4: accepted, interrupted before it began; its run id is burnt. */
  | { readonly kind: 'interrupted' }
  /** Case 5: begun, not finished, not executing. */
  | { readonly kind: 'unfinished' }
  /** Case 6. */
  | { readonly kind: 'failed'; readonly failure: RunFailure }
  /** Case 7. */
  | { readonly kind: 'foreign'; readonly runIds: readonly string[] }
  /** Cases 9 and 10: nothing at all. */
  | { readonly kind: 'absent' };

/** The run ids to look for: those committed, or the one that would be sent first. */
export function runIdsToLookFor(facts: AttemptFacts): readonly string[] {
  return facts.runIds.length > 0 ? facts.runIds : [nextRunId(facts)];
}

/** The run id of the next send that may not repeat an earlier one (`-a<n>`, then `-a<n>r<m>`). */
export function nextRunId(facts: AttemptFacts): string {
  return runIdOf(facts.taskId, facts.attemptNumber, facts.runIds.length);
}

/** Reads a look as evidence about this attempt (P22). */
export function readEvidence(facts: AttemptFacts, look: LookSeen): Evidence {
  if (facts.stateId !== null && look.gateway.stateId !== facts.stateId) {
    return { kind: 'other-state' };
  }
  return (
    answered(look) ??
    executing(look) ??
    ended(look) ??
    (look.foreignRunIds.length > 0
      ? { kind: 'foreign', runIds: look.foreignRunIds }
      : { kind: 'absent' })
  );
}

function answered(look: LookSeen): Evidence | null {
  for (const { answer } of look.own) {
    if (answer !== null) return { kind: 'answered', answer, recovery: null };
  }
  for (const recovery of look.recoveries) {
    if (recovery.answer !== null) return { kind: 'answered', answer: recovery.answer, recovery };
  }
  return null;
}

function executing(look: LookSeen): Evidence | null {
  const own = look.own.filter((run) => run.executing);
  const recoveries = look.recoveries.filter((run) => run.executing);
  const first = own[0] ?? recoveries[0];
  if (first === undefined) return null;
  return {
    kind: 'executing',
    runId: first.runId,
    recovery: own.length > 0 ? null : (recoveries[0] ?? null),
    executing: [...own, ...recoveries].map((run) => run.runId),
  };
}

/**
 * Cases 4 to 6, decided by the newest trace. Run ids that were burnt before a later send leave a trace for ever and
 * say nothing; a run that began outweighs them, because a turn that began is never sent again.
 */
function ended(look: LookSeen): Evidence | null {
  const began = look.own.filter((run) => hasBegun(run)).at(-1);
  const recovery = look.recoveries.at(-1);
  if (recovery !== undefined) {
    return recovery.failure === null
      ? { kind: 'unfinished' }
      : { kind: 'failed', failure: recovery.failure };
  }
  if (began !== undefined) {
    return began.failure === null || began.endedByRestart
      ? { kind: 'unfinished' }
      : { kind: 'failed', failure: began.failure };
  }
  return isBurnt(look.own.at(-1)) ? { kind: 'interrupted' } : null;
}

function isBurnt(run: OwnRun | undefined): boolean {
  return run !== undefined && run.pendingInput === 'interrupted' && !run.userRow;
}

function hasBegun(run: OwnRun): boolean {
  if (isBurnt(run)) return false;
  return run.userRow || run.endedByRestart || run.failure !== null || run.pendingInput !== null;
}
