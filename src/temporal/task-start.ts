import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TASK_SIGNALS, type DispatchedSignal, type TaskWorkflowInput } from '../domain/messages.ts';
import { CONTROL_QUEUE } from '../domain/names.ts';

const tenantKey = defineSearchAttributeKey('DashTenant', SearchAttributeType.KEYWORD);
const swarmKey = defineSearchAttributeKey('DashSwarm', SearchAttributeType.KEYWORD);
const gatewayKey = defineSearchAttributeKey('DashGateway', SearchAttributeType.KEYWORD);

export interface TaskDelivery {
  readonly workflowId: string;
  readonly tenant: string;
  readonly swarmId: string | null;
  readonly attemptNumber: number;
  readonly input: TaskWorkflowInput;
  /** What Temporal Web shows beside the id. */
  readonly summary: string;
}

/**
 * Brings an attempt to its task's workflow (P17): starts it, or signals the one that runs, which may still be busy
 * with another attempt. `closed`: somebody already carried this task to an end, so the attempt must not be sent by
 * anybody. Rejects when Temporal did not acknowledge within `deadlineMs`: nothing is known then, and the caller repeats.
 */
export async function deliverToTemporal(
  client: Client,
  delivery: TaskDelivery,
  deadlineMs: number,
): Promise<'started' | 'signalled' | 'closed'> {
  return client.withDeadline(Date.now() + deadlineMs, async () => {
    // A first attempt has no workflow yet, a later one has; either guess may be wrong.
    if (delivery.attemptNumber > 1 && (await signalDispatched(client, delivery)))
      return 'signalled';
    if (await start(client, delivery)) return 'started';
    return (await signalDispatched(client, delivery)) ? 'signalled' : 'closed';
  });
}

async function start(client: Client, delivery: TaskDelivery): Promise<boolean> {
  try {
    await client.workflow.start('taskWorkflow', {
      workflowId: delivery.workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [delivery.input],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      staticSummary: delivery.summary,
      typedSearchAttributes: [
        { key: tenantKey, value: delivery.tenant },
        { key: gatewayKey, value: delivery.input.gatewayId },
        ...(delivery.swarmId === null ? [] : [{ key: swarmKey, value: delivery.swarmId }]),
      ],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function signalDispatched(client: Client, delivery: TaskDelivery): Promise<boolean> {
  const { attemptId, gatewayId } = delivery.input;
  try {
    await client.workflow
      .getHandle(delivery.workflowId)
      .signal<[DispatchedSignal]>(TASK_SIGNALS.dispatched, { attemptId, gatewayId });
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
