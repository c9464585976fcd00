import { assertNever } from './assert-never.ts';
import { takesWork } from './gateway.ts';
import { isSilent, closedBecause } from './why-closed.ts';
import type { AttemptFacts, TaskFacts } from './why-facts.ts';
import { because, type Reason } from './why-reasons.ts';
import type { Reasons } from './why.ts';

/** An attempt is begun within moments of its delivery. */
const BEGUN_WITHIN_MS = 5_000;

/** Where a task that is under way stands: its attempt, and what its gateway has to do with it. */
export function whyMoving({ task }: TaskFacts, attempt: AttemptFacts): Reasons {
  const at = { gatewayId: attempt.gateway.id, attempt: attempt.number, attemptId: attempt.id };
  const undecided = whyUndecided(task.id, attempt, at);
  if (undecided !== null) return [undecided];
  const trouble = gatewayTrouble(attempt);
  if (task.cancelRequested !== null) {
    const when = { since: task.cancelRequestedAt };
    return [because('aborting', { ...at, reason: task.cancelRequested }, when), ...trouble];
  }
  return [step(task, attempt, at), ...trouble];
}

type At = { readonly gatewayId: string; readonly attempt: number; readonly attemptId: string };

function whyUndecided(taskId: string, attempt: AttemptFacts, at: At): Reason | null {
  if (attempt.state !== 'indeterminate') return null;
  if (attempt.decision !== null) {
    const facts = { ...at, decision: attempt.decision.kind, actor: attempt.decidedBy };
    return because('decision-being-applied', facts, { since: attempt.decided });
  }
  const facts = {
    ...at,
    taskId,
    reason: attempt.indeterminateReason,
    evidence: attempt.evidence,
  };
  return because('decision-needed', facts, { since: attempt.indeterminate });
}

function step(task: TaskFacts['task'], attempt: AttemptFacts, at: At): Reason {
  const { planned, delivered, sending, accepted, runId, gateway } = attempt;
  switch (attempt.state) {
    case 'planned': {
      if (delivered === null) return because('not-delivered', at, { since: planned });
      if (delivered.agoMs < BEGUN_WITHIN_MS)
        return because('sending', { ...at, runId }, { since: planned });
      return because('not-taken-up', { ...at, host: gateway.ownerHost }, { since: delivered });
    }
    case 'sending':
      return because('sending', { ...at, runId }, { since: sending });
    case 'accepted': {
      const facts = { ...at, runId, runLimitSeconds: task.runLimitSeconds };
      return because('running', facts, { since: accepted, until: attempt.ends });
    }
    case 'closed':
    case 'released':
    case 'indeterminate':
      return because('concluding', { ...at, outcome: attempt.outcome }, { since: attempt.closed });
    default:
      return assertNever(attempt.state);
  }
}

/** The gateway does not answer now, so what the rows say of the run may be old. */
function gatewayTrouble({ gateway, state }: AttemptFacts): Reason[] {
  const isOpen = state === 'sending' || state === 'accepted' || state === 'planned';
  const inTouch = ['draining', 'drained', 'cordoned'].includes(gateway.state);
  if (!isOpen || inTouch || (takesWork(gateway.state) && !isSilent(gateway))) return [];
  const closed = closedBecause(gateway);
  return closed === null ? [] : [because('gateway-in-trouble', closed, { since: gateway.since })];
}
