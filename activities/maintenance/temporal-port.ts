import type { Client } from '@temporalio/client';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';
import { deliverToTemporal } from '../../src/temporal/task-start.ts';
import {
  readWorkflowFate,
  runningSubmissions,
  runningWorkflows,
} from '../../src/temporal/workflow-fate.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { MaintenanceTemporal } from './sweep.ts';

/** Each call to Temporal is bounded: a page of reconcile is repeated, never stuck. */
const CALL_BOUND_MS = 10_000;

/** Reconcile's view of a real Temporal. */
export function createMaintenanceTemporal(options: {
  readonly client: Client;
  readonly messages: WorkflowMessages;
  readonly clock: Clock;
  /** As in the start of every task's workflow: a run whose host is silent for so long is taken up again. */
  readonly runHeartbeatTimeoutMs: number;
}): MaintenanceTemporal {
  const { client, messages, clock, runHeartbeatTimeoutMs } = options;
  return {
    messages,
    fateOf: (workflowId) =>
      client.withDeadline(clock.now() + CALL_BOUND_MS, () => readWorkflowFate(client, workflowId)),
    async startTask({ workflowId, tenant, swarmId, input }) {
      await deliverToTemporal(
        client,
        {
          workflowId,
          tenant,
          swarmId,
          attemptNumber: 1,
          input: { ...input, runHeartbeatTimeoutMs },
          summary: `Task ${input.taskId}, carried on by reconcile`,
        },
        CALL_BOUND_MS,
      );
    },
    runningWorkflows: (olderThanSeconds) =>
      runningWorkflows(client, clock.now() - olderThanSeconds * 1_000),
    runningSubmissions: (olderThanSeconds) =>
      runningSubmissions(client, clock.now() - olderThanSeconds * 1_000),
  };
}
