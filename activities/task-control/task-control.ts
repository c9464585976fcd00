import { decideAttempt, enterDeciding } from '../../src/db/attempt-decision.ts';
import { readAttempt } from '../../src/db/attempt-record.ts';
import { releaseAttempt } from '../../src/db/attempt-run.ts';
import { requestCancel } from '../../src/db/cancel.ts';
import type { Database } from '../../src/db/database.ts';
import { backOffTask, readTaskStep, requeueTask } from '../../src/db/retry-queue.ts';
import { settleTask } from '../../src/db/settle.ts';
import type { Decision } from '../../src/domain/attempt.ts';
import type { RunFailure } from '../../src/domain/failure.ts';
import type { RunTaskResult } from '../../src/domain/run-result.ts';
import type { TaskStep } from '../../src/domain/task-step.ts';
import { resultOfRow } from '../result-of-row.ts';

interface OfTask {
  readonly taskId: string;
}
interface OfAttempt extends OfTask {
  readonly attemptId: string;
}

/**
 * What `taskWorkflow` asks of the rows. Every activity is conditional on what stands, may be repeated, and answers
 * where the task stands afterwards (P20).
 */
export interface TaskControlActivities {
  /** Where the task stands by its row, whoever brought it there. */
  standing(input: OfTask): Promise<TaskStep>;
  /**
   * The first delivery was not taken up in time: gives the attempt back, unless something may have been sent (P19).
   * Answers what its run would have answered when the row says how it ended, else `stands`: it is under way.
   */
  releaseUnstarted(input: {
    readonly attemptId: string;
  }): Promise<RunTaskResult | { readonly kind: 'stands' }>;
  backOff(
    input: OfAttempt & { readonly delayMs: number; readonly failure: RunFailure },
  ): Promise<TaskStep>;
  requeue(input: OfAttempt): Promise<TaskStep>;
  /** Makes the task a dead letter. */
  bury(
    input: OfAttempt & { readonly reason: 'attempts' | 'permanent'; readonly failure: RunFailure },
  ): Promise<TaskStep>;
  enterDeciding(input: OfAttempt): Promise<TaskStep>;
  applyDecision(
    input: OfAttempt & { readonly decision: Decision; readonly actor: string },
  ): Promise<TaskStep>;
  /** A Temporal cancel is the same request as one through the API (P28). */
  requestCancel(input: OfTask): Promise<void>;
}

export interface TaskControlDeps {
  readonly db: Database;
  /** Tells a swarm that it has news; a hint, reconcile repeats it. */
  readonly swarmNews: (swarmId: string) => void;
}

export function createTaskControlActivities(deps: TaskControlDeps): TaskControlActivities {
  const { db } = deps;
  const after = async (taskId: string, answer: Promise<StoreAnswer>): Promise<TaskStep> => {
    passNewsOn(deps, await answer);
    return standingOf(db, taskId);
  };

  return {
    standing: ({ taskId }) => standingOf(db, taskId),
    releaseUnstarted: ({ attemptId }) => releaseUnstarted(deps, attemptId),
    backOff: ({ taskId, attemptId, delayMs, failure }) =>
      after(taskId, backOffTask(db, { taskId, attemptId, delayMs, failure })),
    requeue: ({ taskId, attemptId }) => after(taskId, requeueTask(db, { taskId, attemptId })),
    bury({ taskId, attemptId, reason, failure }) {
      const buried = { reason, message: failure.message, lastFailure: failure };
      const end = { state: 'dead', output: null, usage: null, failure: buried } as const;
      return after(taskId, settleTask(db, { taskId, attemptId, end }));
    },
    enterDeciding: ({ taskId, attemptId }) =>
      after(taskId, enterDeciding(db, { taskId, attemptId })),
    applyDecision: ({ taskId, attemptId, decision, actor }) =>
      after(taskId, decideAttempt(db, { attemptId, decision, actor })),
    async requestCancel({ taskId }) {
      passNewsOn(deps, await requestCancel(db, { taskId, reason: 'cancelled', actor: 'temporal' }));
    },
  };
}

/** What the stores answer; a settled task may have news for its swarm. */
interface StoreAnswer {
  readonly kind: string;
  readonly swarmId?: string | null;
  readonly swarmBecameDirty?: boolean;
}

function passNewsOn(deps: TaskControlDeps, answer: StoreAnswer): void {
  if (answer.swarmBecameDirty === true && answer.swarmId) deps.swarmNews(answer.swarmId);
}

async function releaseUnstarted(
  deps: TaskControlDeps,
  attemptId: string,
): Promise<RunTaskResult | { kind: 'stands' }> {
  const released = await releaseAttempt(deps.db, {
    attemptId,
    reason: 'not taken up by the gateway’s owner in time',
    from: 'planned',
  });
  if (released.kind === 'released' && 'settled' in released) passNewsOn(deps, released.settled);
  // Its host may have begun, and even ended, it before; or somebody else gave it back. Then the row says what follows.
  const row = await readAttempt(deps.db, attemptId);
  return (row === null ? null : resultOfRow(row)) ?? { kind: 'stands' };
}

/** Throws when there is no such task: its workflow has nothing to carry. */
async function standingOf(db: Database, taskId: string): Promise<TaskStep> {
  const step = await readTaskStep(db, taskId);
  if (step === null) throw new Error(`there is no task ${taskId}`);
  return step;
}
