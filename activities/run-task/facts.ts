import type { AttemptFacts } from '../../src/domain/attempt-protocol-types.ts';
import { gatewaySessionKey } from '../../src/domain/names.ts';
import type { AttemptRecord } from '../../src/db/attempt-record.ts';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * The row as the protocol reads it. Instants are translated to the monotonic clock here, once, by the database's own
 * clock: that of this machine may be wrong, and may jump.
 */
export function factsOf(row: AttemptRecord, clock: Clock): AttemptFacts {
  const nowMs = clock.monotonic();
  const { task } = row;
  return {
    taskId: row.taskId,
    attemptNumber: row.number,
    state: row.state,
    runIds: row.runIds,
    recoveryRunIds: row.recoveryRunIds,
    bootId: row.bootId,
    stateId: row.stateId,
    sendingAtMs: row.sendingForMs === null ? null : nowMs - row.sendingForMs,
    holdsLane: row.holdsLane,
    decided: row.decision !== null,
    cancelRequested: task.cancelRequested,
    deadlineAtMs: task.deadlineInMs === null ? null : nowMs + task.deadlineInMs,
    runLimitMs: task.runLimitSeconds * 1_000,
    idempotent: task.idempotent,
    budget: row.budget,
  };
}

/** The gateway's session of this attempt. */
export function sessionKeyOf(row: AttemptRecord, installation: string): string {
  return gatewaySessionKey({
    agentId: row.task.agent,
    installation,
    taskId: row.taskId,
    session: row.task.sessionKey === null ? null : { tenant: row.tenant, key: row.task.sessionKey },
  });
}
