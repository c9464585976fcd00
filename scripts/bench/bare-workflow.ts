import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '1m' });

/** What the engine costs by itself: one activity that does nothing. */
export async function bareWorkflow(): Promise<void> {
  await nothing();
}
