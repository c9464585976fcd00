import { openAttempts, type OpenAttempt } from '../../src/db/attempt-record.ts';
import { recordObservation, type GatewayWriteResult } from '../../src/db/gateway-store.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { HoldDeps } from './ports.ts';

/**
 * Reads the gateway's lane limit and what executes there, and writes what the claim counts with. Runs that belong to
 * none of Dash's open attempts are foreign: a person chatting, another orchestrator, a run that Dash gave up.
 */
export async function observeLoad(
  deps: HoldDeps,
  gatewayId: string,
  ownerEpoch: number,
  connection: GatewayConnection,
): Promise<GatewayWriteResult> {
  const [lanes, executing, attempts] = await Promise.all([
    connection.lanes(),
    connection.listExecuting(),
    openAttempts(deps.db, gatewayId),
  ]);
  const ours = new Set(attempts.flatMap((a) => [...a.runIds, ...a.recoveryRunIds]));
  const foreign = executing.filter((run) => run.runId === null || !ours.has(run.runId));
  return recordObservation(deps.db, {
    gatewayId,
    ownerEpoch,
    reportedLanes: lanes.max,
    foreignRuns: foreign.length,
  });
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
