import type { HeldGateway } from '../activities/run-task/ports.ts';
import { bindRunRows } from '../activities/run-task/bind-rows.ts';
import { createRunTask, type RunTask } from '../activities/run-task/run-task.ts';
import { temporalActivity } from '../activities/run-task/temporal-activity.ts';
import { DEFAULT_ATTEMPT_POLICY } from '../src/domain/attempt-protocol-policy.ts';
import { noRacePoints } from '../src/platform/race-points.ts';
import type { GatewayHostOptions } from './gateway-host-options.ts';
import type { SwarmNews } from './swarm-news.ts';

const CANCEL_POLL_MS = 5_000;
const ABORT_ACTIVITY_MS = 20_000;
/** Unexpected errors of one attempt before a person is asked (P19). */
const MAX_UNEXPECTED = 5;

/** The runs of a host: what its gateways' queues execute. `laneFreed` is told of every lane that comes back. */
export function createHostRuns(
  options: GatewayHostOptions,
  parts: {
    readonly installation: string;
    readonly find: (gatewayId: string) => HeldGateway | null;
    readonly laneFreed: () => void;
    readonly swarmNews: SwarmNews;
  },
): RunTask {
  const { db, clock, log, metrics, run } = options;
  return createRunTask({
    rows: bindRunRows(db),
    gateways: { find: parts.find },
    installation: parts.installation,
    policy: options.policy ?? DEFAULT_ATTEMPT_POLICY,
    maxUnexpected: MAX_UNEXPECTED,
    clock,
    log,
    race: options.race ?? noRacePoints(),
    observer: {
      started: ({ waitedMs }) => metrics.started(waitedMs / 1_000),
      laneFreed: parts.laneFreed,
      swarmNews: parts.swarmNews,
    },
    activity: temporalActivity,
    heartbeatMs: run.heartbeatMs,
    cancelPollMs: CANCEL_POLL_MS,
    abortActivityMs: ABORT_ACTIVITY_MS,
  });
}
