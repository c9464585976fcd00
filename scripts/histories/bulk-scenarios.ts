import type { BulkActivities, BulkBatch } from '../../activities/bulk.ts';
import { CONTROL_QUEUE } from '../../src/domain/names.ts';
import type { Scenario } from './scenario.ts';

/** Two batches, a bound on open work that is waited out, and the end. */
export function bulkScenarios(): readonly Scenario[] {
  const batches: BulkBatch[] = [
    { kind: 'more', dealtWith: 500, total: 700 },
    { kind: 'wait', forMs: 200, dealtWith: 650, total: 700 },
    { kind: 'ended' },
  ];
  const activities: BulkActivities = {
    bulkBatch: async () => batches.shift() ?? { kind: 'ended' },
  };
  return [
    {
      name: 'bulk-completed',
      workflow: 'bulkWorkflow',
      workflowId: 'bulk-completed',
      args: [{ bulkId: 'bulk-completed' }],
      workers: { [CONTROL_QUEUE]: activities },
    },
  ];
}
