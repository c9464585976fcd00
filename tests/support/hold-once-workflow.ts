import { proxyActivities } from '@temporalio/workflow';

/** Runs the activity `holdOnce` once per call, one Temporal attempt each, as `gatewayWorkflow` does. */
export async function holdTwice(heartbeatTimeoutMs: number): Promise<string[]> {
  const { holdOnce } = proxyActivities<{ holdOnce(ownerEpoch: number): Promise<string> }>({
    startToCloseTimeout: '5m',
    heartbeatTimeout: heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
  });
  const ends: string[] = [];
  for (const ownerEpoch of [1, 2]) {
    ends.push(await holdOnce(ownerEpoch).catch((error: Error) => error.constructor.name));
  }
  return ends;
}
