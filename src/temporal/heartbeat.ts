import { ActivityNotFoundError, type Client } from '@temporalio/client';

/**
 * One acknowledged heartbeat of a running activity (P24): resolves only when the server has answered.
 * `Context.heartbeat()` cannot serve: it returns nothing, is throttled, and hides failures.
 * Rejects when the server did not answer within `deadlineMs` or refused for a passing reason.
 */
export async function heartbeatActivity(
  client: Client,
  taskToken: Uint8Array,
  deadlineMs: number,
): Promise<'acknowledged' | 'gone'> {
  try {
    await client.withDeadline(Date.now() + deadlineMs, () => client.activity.heartbeat(taskToken));
    return 'acknowledged';
  } catch (error) {
    if (error instanceof ActivityNotFoundError) return 'gone';
    throw error;
  }
}
