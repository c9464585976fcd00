import { assertNever } from './assert-never.ts';
import { whyMoving } from './why-attempt.ts';
import type { SessionFacts, TaskFacts, WaitingFacts } from './why-facts.ts';
import { whyQueued } from './why-queue.ts';
import { because, type Reason } from './why-reasons.ts';
import { temporalTrouble, type TemporalCheck } from './why-temporal.ts';
import type { Reasons } from './why.ts';

/** States of a task in which Temporal has a part in what happens next. */
export function needsTemporal(facts: WaitingFacts | TaskFacts): boolean {
  const { state } =
    'inFront' in facts && facts.inFront !== null ? facts.inFront.head.task : facts.task;
  return state === 'queued' || state === 'backoff' || state === 'dispatched';
}

/**
 * Why a task stands where it stands, never just "pending". Behind another of its session it has, after its own reason,
 * those of the one in front.
 */
export function whyTask(facts: WaitingFacts, temporal: TemporalCheck): Reasons {
  const { task, inFront } = facts;
  if (task.state !== 'waiting') return whyAlone(facts, temporal);
  const session = task.sessionKey ?? '';
  if (inFront === null)
    return [because('session-without-head', { session }, { since: task.since })];
  const { head, count } = inFront;
  const own = because(
    'session-busy',
    { session, taskId: head.task.id, taskState: head.task.state, ahead: count },
    { since: head.task.since },
  );
  return [own, ...whyAlone(head, temporal)];
}

/** Why a session stands where it stands: its first open task, and how many wait behind it. */
export function whySession(facts: SessionFacts, temporal: TemporalCheck): Reasons {
  const { key: session, gatewayId, head, waiting } = facts;
  if (head === null) return [because('session-idle', { session, gatewayId })];
  const behind = waiting === 0 ? [] : [because('session-tasks-wait', { session, waiting })];
  const [first, ...more] = whyTask({ ...head, inFront: null }, temporal);
  return [first, ...more, ...behind];
}

/** A task that stands behind nobody of its session. */
function whyAlone(facts: TaskFacts, temporal: TemporalCheck): Reasons {
  const { task, attempt, queue } = facts;
  switch (task.state) {
    case 'queued':
      return queue === null ? [held(facts)] : whyQueued(facts, queue, temporal);
    case 'scheduled':
      return [because('scheduled', {}, { since: task.accepted, until: task.due })];
    case 'backoff':
      return [backingOff(facts), ...temporalTrouble(temporal)];
    case 'held':
      return [held(facts)];
    case 'blocked':
      return [blocked(facts)];
    case 'waiting':
      return [
        because('session-without-head', { session: task.sessionKey ?? '' }, { since: task.since }),
      ];
    case 'dispatched':
    case 'deciding':
      if (attempt === null) return [held(facts)];
      return withTemporal(whyMoving(facts, attempt), temporal);
    case 'completed':
    case 'cancelled':
    case 'expired':
    case 'dead':
      return [ended(facts)];
    default:
      return assertNever(task.state);
  }
}

function withTemporal([first, ...more]: Reasons, temporal: TemporalCheck): Reasons {
  return [first, ...more, ...temporalTrouble(temporal)];
}

function held({ task, swarm, approval }: TaskFacts): Reason {
  const when = { since: task.since };
  if (approval !== null) {
    const { id: approvalId, prompt, approvers, requested: since, expires: until } = approval;
    return because('approval-needed', { approvalId, prompt, approvers }, { since, until });
  }
  if (swarm?.state === 'paused')
    return because('swarm-paused', { swarmId: swarm.id, name: swarm.name }, when);
  return because('held', { reason: task.stateReason }, when);
}

function blocked({ task, budget, conflict, quarantine }: TaskFacts): Reason {
  const when = { since: task.since };
  if (quarantine !== null) {
    const { reason, by, since } = quarantine;
    return because(
      'session-quarantined',
      { session: task.sessionKey ?? '', reason, by },
      { since },
    );
  }
  if (budget !== null) {
    const { name, wants, figures, periodEnds } = budget;
    const { limit = null, spent = null, reserved = null } = figures ?? {};
    const facts = { budget: name, wants, limit, spent, reserved };
    return because('budget-full', facts, { ...when, until: periodEnds });
  }
  if (task.stateReason !== 'conflict')
    return because('blocked', { reason: task.stateReason }, when);
  const { attemptId = null, gatewayId = null } = conflict ?? {};
  return because('blocked-by-conflict', { attemptId, gatewayId }, when);
}

function backingOff({ task, attempt }: TaskFacts): Reason {
  const facts = {
    attempt: task.attemptsUsed,
    maxAttempts: task.maxAttempts,
    gatewayId: attempt?.gateway.id ?? null,
    failureClass: attempt?.failure?.class ?? null,
    message: attempt?.failure?.message ?? null,
  };
  return because('backing-off', facts, { since: attempt?.closed ?? task.since, until: task.due });
}

function ended({ task, deadLetter }: TaskFacts): Reason {
  const facts = {
    state: task.state,
    reason: task.stateReason,
    message: task.failureMessage,
    attempts: task.attemptsUsed,
    deadLetter: deadLetter?.state ?? null,
    replayTaskId: deadLetter?.replayTaskId ?? null,
  };
  return because('ended', facts, { since: task.finished });
}
