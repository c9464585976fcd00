import {
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { BulkActivities } from '../activities/bulk.ts';
import type { BulkWorkflowInput } from '../src/domain/messages.ts';

const CONTINUE_AFTER_EVENTS = 2_000;

const control = proxyActivities<BulkActivities>({
  startToCloseTimeout: '60s',
  retry: { initialInterval: '500ms', maximumInterval: '10s' },
});

/**
 * A replay or discard of many dead letters (R8), batch by batch until its row has ended. Everything it knows is in
 * that row, so it may be started again at any time and goes on where it was; a bound on open work is waited out.
 */
export async function bulkWorkflow(input: BulkWorkflowInput): Promise<void> {
  for (;;) {
    const batch = await control.bulkBatch(input);
    if (batch.kind === 'ended') return;
    setCurrentDetails(`Dealt with ${batch.dealtWith} of ${batch.total} dead letters.`);
    if (batch.kind === 'wait') await sleep(batch.forMs);
    if (workflowInfo().historyLength > CONTINUE_AFTER_EVENTS) {
      await continueAsNew<typeof bulkWorkflow>(input);
    }
  }
}
