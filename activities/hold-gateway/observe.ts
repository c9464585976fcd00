import { openAttempts, type OpenAttempt } from '../../src/db/attempt-record.ts';
import { recordObservation, type GatewayWriteResult } from '../../src/db/gateway-store.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import {
  HEALTHY,
  judgeObservation,
  nextHealth,
  type HealthState,
} from '../../src/domain/gateway-health.ts';
import type { ExecutingRun, GatewayConnection } from '../../src/gateway/connection.ts';
import { lookAtLoad, observationOf } from './look-at-load.ts';
import type { HoldDeps } from './ports.ts';

export interface LoadObserved {
  readonly written: GatewayWriteResult;
  readonly health: HealthState;
  /** The row says something else of its health now, or leaves it other lanes. */
  readonly changed: boolean;
}

/**
 * Looks at the gateway's load and health and writes what the claim counts with: its lane limit, the lanes that its
 * health leaves (R20), and the runs there that belong to none of Dash's open attempts: a person chatting, another
 * orchestrator, a run that Dash gave up.
 */
export async function observeLoad(
  deps: HoldDeps,
  gateway: GatewayRecord,
  ownerEpoch: number,
  connection: GatewayConnection,
): Promise<LoadObserved> {
  const before = gateway.health ?? HEALTHY;
  const { answerBoundMs, startGraceMs } = deps.timings;
  // What ends while the gateway answers was ours when the gateway looked.
  const openBefore = await openAttempts(deps.db, gateway.id);
  const seen = await lookAtLoad(deps.clock, connection, answerBoundMs);
  const judged = judgeObservation(
    observationOf(seen, {
      hasStarted: (connection.identity()?.readyForMs ?? 0) >= startGraceMs,
      recentRuns: gateway.recent.runs,
      errorRate: gateway.recent.errorRate,
    }),
  );
  const reportedLanes = seen.kind === 'seen' ? seen.lanes.max : gateway.lanes.reported;
  const capacity = Math.min(gateway.lanes.configured, reportedLanes ?? Number.POSITIVE_INFINITY);
  const health = nextHealth(before, judged, capacity);
  const written = await recordObservation(deps.db, {
    gatewayId: gateway.id,
    ownerEpoch,
    health,
    healthLanes: health.lanes,
    ...(seen.kind === 'seen'
      ? {
          reportedLanes,
          foreignRuns: countForeign(seen.executing, [
            ...openBefore,
            ...(await openAttempts(deps.db, gateway.id)),
          ]),
        }
      : {}),
  });
  const changed =
    health.verdict !== before.verdict ||
    health.lanes !== before.lanes ||
    health.reasons.join() !== before.reasons.join();
  return { written, health, changed };
}

function countForeign(
  executing: readonly ExecutingRun[],
  attempts: readonly Pick<OpenAttempt, 'runIds' | 'recoveryRunIds'>[],
): number {
  const ours = new Set(attempts.flatMap((a) => [...a.runIds, ...a.recoveryRunIds]));
  return executing.filter((run) => run.runId === null || !ours.has(run.runId)).length;
}

/** When to look again: soon after a look that was not good, and more often while the gateway is not well. */
export function observeAgainInMs({ verdict, ills }: HealthState, everyMs: number): number {
  if (ills > 0) return everyMs / 5;
  return verdict === 'healthy' ? everyMs : everyMs / 2;
}

/**
 * Looks at every indeterminate attempt again; one whose run shows up after all is delivered, without a person.
 * Answers how many there were.
 */
export async function reviewIndeterminate(deps: HoldDeps, gatewayId: string): Promise<number> {
  const attempts = await openAttempts(deps.db, gatewayId);
  const indeterminate = attempts.filter((a) => a.state === 'indeterminate');
  for (const attempt of indeterminate) await reviewOne(deps, attempt);
  return indeterminate.length;
}

async function reviewOne(deps: HoldDeps, attempt: OpenAttempt): Promise<void> {
  const { kind } = await deps.reviewAttempt({ attemptId: attempt.attemptId });
  if (kind === 'appeared') await deps.redeliver(attempt);
  if (kind === 'lane-freed') deps.onClaimable();
}
