import { proxyActivities } from '@temporalio/workflow';

/**
 * Runs the activity `holdOnce` again and again, one Temporal attempt each, as `gatewayWorkflow` does, until one ends
 * by itself; answers how many there were.
 */
export async function holdUntilFinished(heartbeatTimeoutMs: number): Promise<number> {
  const { holdOnce } = proxyActivities<{ holdOnce(ownerEpoch: number): Promise<string> }>({
    startToCloseTimeout: '5m',
    heartbeatTimeout: heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
  });
  for (let ownerEpoch = 1; ; ownerEpoch += 1) {
    const end = await holdOnce(ownerEpoch).catch(() => 'lost');
    if (end === 'finished') return ownerEpoch;
  }
}
