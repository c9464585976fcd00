import { randomBytes } from 'node:crypto';
import { acceptTask } from '../../../../src/db/accept.ts';
import { enterDeciding, markIndeterminate } from '../../../../src/db/attempt-decision.ts';
import type { Database } from '../../../../src/db/database.ts';
import { settleTask } from '../../../../src/db/settle.ts';
import { TASK_DEFAULTS } from '../../../../src/domain/task-defaults.ts';
import { newId } from '../../../../src/platform/ids.ts';
import { claimFrom, openRowGateway, runInRows } from '../../../support/row-executor.ts';

/** States of tasks that only hosts bring about, made by the same stores that hosts use. */

export interface RunningTask {
  readonly taskId: string;
  readonly attemptId: string;
  readonly gatewayId: string;
  readonly ownerEpoch: number;
}

/** A task whose run a gateway has accepted. */
export async function runningTask(db: Database): Promise<RunningTask> {
  const gateway = await openRowGateway(db, { gatewayId: `rows-${randomBytes(4).toString('hex')}` });
  const taskId = newId('task');
  const accepted = await acceptTask(db, {
    ...TASK_DEFAULTS,
    id: taskId,
    priority: 1,
    prompt: 'run',
    sessionKey: null,
    notBefore: null,
    queueLimitSeconds: null,
    deadlineAt: null,
    correlationId: taskId,
    idempotency: null,
    actor: null,
  });
  const claims = await claimFrom(db, gateway);
  const claim = claims.find((one) => one.taskId === taskId);
  if (accepted.kind !== 'accepted' || claim === undefined)
    throw new Error('the task was not claimed');
  await runInRows(db, gateway, claim);
  return {
    taskId,
    attemptId: claim.attemptId,
    gatewayId: gateway.gatewayId,
    ownerEpoch: gateway.ownerEpoch,
  };
}

/** A dead letter; answers its task. */
export async function deadTask(db: Database): Promise<string> {
  const { taskId, attemptId, ownerEpoch } = await runningTask(db);
  const failure = {
    runId: `${taskId}-a1`,
    class: 'permanent',
    message: 'no such model',
    retryAfterMs: null,
    aborted: false,
    timedOut: false,
  } as const;
  await settleTask(db, {
    taskId,
    attemptId,
    ownerEpoch,
    attemptOutcome: 'failed',
    attemptFailure: failure,
    end: {
      state: 'dead',
      output: null,
      usage: null,
      failure: { reason: 'permanent', message: failure.message, lastFailure: failure },
    },
  });
  return taskId;
}

/** A task about whose attempt a person is asked. */
export async function indeterminateTask(db: Database): Promise<RunningTask> {
  const running = await runningTask(db);
  const { taskId, attemptId } = running;
  await markIndeterminate(db, {
    attemptId,
    ownerEpoch: running.ownerEpoch,
    reason: 'vanished',
    evidence: { seen: 'nothing' },
    keepLane: false,
  });
  const deciding = await enterDeciding(db, { taskId, attemptId });
  if (deciding.kind !== 'deciding') throw new Error(`not deciding: ${JSON.stringify(deciding)}`);
  return running;
}
