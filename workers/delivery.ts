import type { Client } from '@temporalio/client';
import { plannedAttempts, readAttempt, type PlannedAttempt } from '../src/db/attempt-record.ts';
import { releaseAttempt } from '../src/db/attempt-run.ts';
import { markIndeterminate } from '../src/db/attempt-decision.ts';
import type { Claim } from '../src/db/claim.ts';
import type { Database } from '../src/db/database.ts';
import type { Clock } from '../src/platform/clock.ts';
import { deliverToTemporal, type TaskDelivery } from '../src/temporal/task-start.ts';
import { createDeliveryMarks } from './delivery-marks.ts';
import type { SwarmNews } from './swarm-news.ts';

/** What the delivery writes to a log; a pino logger fits. */
export interface DeliveryLog {
  warn(detail: object, message: string): void;
}

export interface DeliveryOptions {
  readonly db: Database;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: DeliveryLog;
  readonly runHeartbeatTimeoutMs: number;
  /**
   * Called when Temporal has started the task's workflow for this attempt: nobody else carries the task, so its run may
   * begin (ADR 0012). Not called for a signal to a workflow that runs: that one may be busy with another attempt.
   */
  readonly onStarted: (attempt: Deliverable) => void;
  /** Called when there is room for claims again: a released attempt gave its lane back, or Temporal caught up. */
  readonly onRoom: () => void;
  /** A released task that was to end early has ended, and was a swarm's. */
  readonly swarmNews: SwarmNews;
}

/** What of a claim, or of a planned attempt found in the rows, its delivery needs. */
export type Deliverable = Pick<
  Claim & PlannedAttempt,
  | 'attemptId'
  | 'attemptNumber'
  | 'taskId'
  | 'workflowId'
  | 'gatewayId'
  | 'tenant'
  | 'swarmId'
  | 'runLimitSeconds'
>;

export interface Delivery {
  /** Delivers one attempt, in the background; one that is under way is not delivered twice at a time. */
  deliver(attempt: Deliverable): void;
  /**
   * Delivers what these gateways have `planned`: all of it at a new hold (P17), otherwise only what Temporal has not
   * acknowledged, which a crash may have left behind.
   */
  redeliver(gatewayIds: readonly string[], which: 'all' | 'undelivered'): Promise<void>;
  /** Temporal owes so many answers that more would only wait behind them: claims wait instead, in order. */
  isBehind(): boolean;
  /** Resolves when nothing is under way. */
  close(): Promise<void>;
}

/** P17: again after two seconds. P18: given back when Temporal acknowledged nothing within five. */
const REPEAT_AFTER_MS = 2_000;
const GIVE_UP_AFTER_MS = 5_000;
/** Temporal answers one start within tens of milliseconds: so many keep it busy, and are answered long before P18. */
const MOST_UNANSWERED = 16;

/**
 * Brings claimed attempts to their workflows (P17, P18). Repeating is harmless: the workflow knows its attempts by
 * id. What Temporal does not acknowledge in time goes back into the queue unsent, so that no lane waits for Temporal.
 */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { db, log } = options;
  const underWay = new Map<string, Promise<void>>();
  const unanswered = new Set<string>();
  const marks = createDeliveryMarks(db, options.clock);

  const answered = (attemptId: string): void => {
    unanswered.delete(attemptId);
    if (unanswered.size === MOST_UNANSWERED) options.onRoom();
  };

  const deliver = (attempt: Deliverable): void => {
    const { attemptId } = attempt;
    if (underWay.has(attemptId)) return;
    unanswered.add(attemptId);
    const delivering = deliverOrRelease(options, attempt)
      .finally(() => answered(attemptId))
      .then((acknowledged) => (acknowledged ? marks.mark(attemptId) : undefined))
      .catch((error: unknown) => {
        // The row still says planned: the next sweep takes it up.
        log.warn({ attemptId, err: error }, 'a delivery could not be recorded');
      })
      .finally(() => underWay.delete(attemptId));
    underWay.set(attemptId, delivering);
  };

  return {
    deliver,
    async redeliver(gatewayIds, which) {
      if (gatewayIds.length === 0) return;
      for (const attempt of await plannedAttempts(db, gatewayIds)) {
        if (which === 'all' || attempt.deliveredAt === null) deliver(attempt);
      }
    },
    isBehind: () => unanswered.size > MOST_UNANSWERED,
    async close() {
      marks.close();
      await Promise.all(underWay.values());
    },
  };
}

/** True: acknowledged; false: the attempt is released, or was found to be carried before. */
async function deliverOrRelease(options: DeliveryOptions, attempt: Deliverable): Promise<boolean> {
  const { client, clock, log, runHeartbeatTimeoutMs } = options;
  const delivery = deliveryOf(attempt, runHeartbeatTimeoutMs);
  const giveUpAt = clock.monotonic() + GIVE_UP_AFTER_MS;
  for (;;) {
    const startedAt = clock.monotonic();
    const leftMs = giveUpAt - startedAt;
    if (leftMs <= 0) {
      await release(options, attempt);
      return false;
    }
    try {
      const answer = await deliverToTemporal(client, delivery, Math.min(REPEAT_AFTER_MS, leftMs));
      if (answer === 'closed') await carriedBefore(options, attempt);
      if (answer === 'started') options.onStarted(attempt);
      return answer !== 'closed';
    } catch (error) {
      log.warn({ attemptId: attempt.attemptId, err: error }, 'a delivery was not acknowledged');
    }
    const repeatAt = Math.min(startedAt + REPEAT_AFTER_MS, giveUpAt);
    await clock.sleep(Math.max(0, repeatAt - clock.monotonic()));
  }
}

/** Somebody already carried this task to an end: nobody may send it, a person decides (P17). */
async function carriedBefore(options: DeliveryOptions, attempt: Deliverable): Promise<void> {
  const { attemptId, workflowId } = attempt;
  // A repeated delivery may find that the attempt has moved on: that is for others to judge.
  if ((await readAttempt(options.db, attemptId))?.state !== 'planned') return;
  await markIndeterminate(options.db, {
    attemptId,
    reason: 'workflow-closed',
    evidence: { workflowId, found: 'the workflow of this task has already ended' },
    keepLane: false,
  });
}

async function release(options: DeliveryOptions, { attemptId }: Deliverable): Promise<void> {
  const released = await releaseAttempt(options.db, {
    attemptId,
    reason: 'Temporal did not acknowledge its delivery in time',
    from: 'planned',
  });
  options.onRoom();
  if (released.kind !== 'released' || !('settled' in released)) return;
  const { swarmId, swarmBecameDirty } = released.settled;
  if (swarmBecameDirty && swarmId !== null) options.swarmNews(swarmId);
}

function deliveryOf(attempt: Deliverable, runHeartbeatTimeoutMs: number): TaskDelivery {
  const { workflowId, tenant, swarmId, attemptNumber, taskId, attemptId, gatewayId } = attempt;
  return {
    workflowId,
    tenant,
    swarmId,
    attemptNumber,
    summary: `Task ${taskId} of ${tenant}`,
    input: {
      taskId,
      attemptId,
      gatewayId,
      runLimitSeconds: attempt.runLimitSeconds,
      runHeartbeatTimeoutMs,
    },
  };
}
