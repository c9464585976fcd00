import type { NativeConnection } from '@temporalio/worker';
import type { GatewayQueues } from '../activities/hold-gateway/ports.ts';
import { gatewayControlQueue, gatewayQueue } from '../src/domain/names.ts';
import { runWorkers } from './run-workers.ts';

export interface GatewayQueuesOptions {
  readonly native: NativeConnection;
  readonly namespace: string;
  readonly identity: string;
  /** `runTask`, polled from the gateway's own queue. */
  readonly runActivities: object;
  /** Short operations, polled from its control queue. */
  readonly controlActivities: object;
  /** A queue is polled no longer: the process is to end. */
  readonly onFatal: (error: Error) => void;
}

/** Slots to spare: lanes were settled by the claim, so an adopted or repeated run never waits for one. */
const RUN_SLOTS = 1_000;
const CONTROL_SLOTS = 50;

/** Polls the two queues of a gateway, as its owner. Throws when Temporal does not answer. */
export function openGatewayQueues(
  options: GatewayQueuesOptions,
  gatewayId: string,
): Promise<GatewayQueues> {
  const shared = {
    connection: options.native,
    namespace: options.namespace,
    identity: options.identity,
    // Activities detach at once when the host leaves; their work goes on with the next owner (P34).
    shutdownGraceTime: 0,
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
  } as const;
  const runs = {
    ...shared,
    taskQueue: gatewayQueue(gatewayId),
    activities: options.runActivities,
    maxConcurrentActivityTaskExecutions: RUN_SLOTS,
    // One: every poll that a frozen host has open swallows a task until that times out.
    maxConcurrentActivityTaskPolls: 1,
  };
  const control = {
    ...shared,
    taskQueue: gatewayControlQueue(gatewayId),
    activities: options.controlActivities,
    maxConcurrentActivityTaskExecutions: CONTROL_SLOTS,
    maxConcurrentActivityTaskPolls: 1,
  };
  return runWorkers({ workers: [runs, control], onFatal: options.onFatal });
}
