import { priorityName } from '../src/domain/task.ts';
import type { BulkOperation } from '../src/contract/bulk-operations.ts';
import type { DeadLetter } from '../src/contract/dead-letters.ts';
import type { WaitingDecision } from '../src/contract/decisions.ts';
import type { BulkOperation as BulkRow } from '../src/db/bulk-store.ts';
import type { DeadLetter as DeadLetterRow } from '../src/db/dead-letter-store.ts';
import type { WaitingDecision as DecisionRow } from '../src/db/decision-store.ts';

/** Rows about work that did not end well, as the API shows them. */

export function deadLetterDto(row: DeadLetterRow): DeadLetter {
  return {
    taskId: row.taskId,
    tenant: row.tenant,
    pool: row.pool,
    session: row.sessionKey,
    swarmId: row.swarmId,
    agent: row.agent,
    priority: priorityName(row.priority),
    reason: row.reason,
    message: row.message,
    failureClass: row.failureClass,
    gatewayId: row.gatewayId,
    attempts: row.attempts,
    state: row.state,
    note: row.note,
    replayTaskId: row.replayTaskId,
    bulkId: row.bulkId,
    createdAt: row.createdAt,
    resolvedAt: row.resolvedAt,
    resolvedBy: row.resolvedBy,
  };
}

export function bulkOperationDto(row: BulkRow): BulkOperation {
  return {
    id: row.id,
    action: row.action,
    tenant: row.tenant,
    state: row.state,
    total: row.total,
    done: row.done,
    skipped: row.skipped,
    waitingFor: row.waitingFor,
    note: row.note,
    actor: row.actor,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
  };
}

export function waitingDecisionDto(row: DecisionRow): WaitingDecision {
  const { decision } = row;
  return {
    taskId: row.taskId,
    attemptId: row.attemptId,
    attemptNumber: row.attemptNumber,
    tenant: row.tenant,
    pool: row.pool,
    session: row.sessionKey,
    swarmId: row.swarmId,
    gatewayId: row.gatewayId,
    holdsLane: row.holdsLane,
    reason: row.reason,
    evidence: row.evidence ?? null,
    since: row.since,
    expiresAt: row.expiresAt,
    runIds: [...row.runIds],
    recoveryRunIds: [...row.recoveryRunIds],
    cancelRequested: row.cancelRequested,
    decision:
      decision === null
        ? null
        : { decision: decision.decision.kind, actor: decision.actor, at: decision.at },
  };
}
