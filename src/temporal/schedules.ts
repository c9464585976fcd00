import {
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { MAINTENANCE_SCHEDULE_ID, MAINTENANCE_WORKFLOW_ID } from '../domain/maintenance.ts';
import { CONTROL_QUEUE } from '../domain/names.ts';

/** A round that was missed for longer than this is left out: the next one finds the same mismatches. */
const CATCHUP_WINDOW = '30s';

/**
 * Makes sure that maintenance runs by itself, each `everyMs`, one at a time. Repeating it, also from several
 * processes at once, changes nothing but brings an older schedule up to date. A pause by an operator stays.
 */
export async function ensureSchedules(options: {
  readonly client: Client;
  readonly everyMs?: number;
  readonly taskQueue?: string;
}): Promise<void> {
  const { client, everyMs = 60_000, taskQueue = CONTROL_QUEUE } = options;
  const definition: Omit<ScheduleOptions, 'scheduleId'> = {
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'maintenanceWorkflow',
      workflowId: MAINTENANCE_WORKFLOW_ID,
      taskQueue,
      args: [],
      staticSummary: 'Compares rows, workflows and gateways, and repairs by rule',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
  };
  try {
    await client.schedule.create({ scheduleId: MAINTENANCE_SCHEDULE_ID, ...definition });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule
      .getHandle(MAINTENANCE_SCHEDULE_ID)
      .update((existing) => ({ ...definition, state: existing.state }));
  }
}
