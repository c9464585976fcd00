import type { HeldGateway } from '../activities/run-task/ports.ts';
import { bindRunRows } from '../activities/run-task/bind-rows.ts';
import { createRunTask, type RunTask } from '../activities/run-task/run-task.ts';
import { temporalActivity } from '../activities/run-task/temporal-activity.ts';
import { DEFAULT_ATTEMPT_POLICY } from '../src/domain/attempt-protocol-policy.ts';
import { noRacePoints } from '../src/platform/race-points.ts';
import type { GatewayHostOptions } from './gateway-host-options.ts';
import { createRunsAhead } from './runs-ahead.ts';
import type { SwarmNews } from './swarm-news.ts';

const CANCEL_POLL_MS = 5_000;
const ABORT_ACTIVITY_MS = 20_000;
/** Unexpected errors of one attempt before a person is asked (P19). */
const MAX_UNEXPECTED = 5;

export interface HostRuns extends RunTask {
  /** They are so far ahead of their workflows that claims wait. */
  areAhead(): boolean;
}

/** The runs of a host: what its gateways' queues execute. `onRoom` is told when there may be room for claims. */
export function createHostRuns(
  options: GatewayHostOptions,
  parts: {
    readonly installation: string;
    readonly find: (gatewayId: string) => HeldGateway | null;
    readonly onRoom: () => void;
    readonly swarmNews: SwarmNews;
  },
): HostRuns {
  const { db, clock, log, metrics, run } = options;
  const ahead = createRunsAhead(clock, parts.onRoom);
  const runs = createRunTask({
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
      laneFreed: parts.onRoom,
      swarmNews: parts.swarmNews,
    },
    activity: temporalActivity,
    heartbeatMs: run.heartbeatMs,
    cancelPollMs: CANCEL_POLL_MS,
    abortActivityMs: ABORT_ACTIVITY_MS,
  });
  return {
    ...runs,
    begin(ids) {
      ahead.began(ids.attemptId);
      runs.begin(ids);
    },
    runTask(input) {
      ahead.joined(input.attemptId);
      return runs.runTask(input);
    },
    areAhead: () => ahead.areMany(),
  };
}
