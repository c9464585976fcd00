import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionStatusName,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowFate } from '../domain/maintenance.ts';

/**
 * Failures that are the end a process leads to, shown as such in Temporal Web. `UnknownAttempt`: it ran an attempt that
 * the rows no longer know, so what was done already is for a person to say.
 */
const REGULAR_FAILURES: readonly string[] = ['DeadLettered', 'SwarmFailed', 'UnknownAttempt'];

/** How the latest run of a workflow stands. Strongly consistent: asks the workflow, not the visibility store. */
export async function readWorkflowFate(client: Client, workflowId: string): Promise<WorkflowFate> {
  const handle = client.workflow.getHandle(workflowId);
  let status: WorkflowExecutionStatusName;
  try {
    status = (await handle.describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'absent';
    throw error;
  }
  if (status === 'RUNNING') return 'running';
  if (status === 'COMPLETED') return 'concluded';
  if (status !== 'FAILED') return 'cut-off';
  const failure = await handle.result().then(
    () => null,
    (error: unknown) => error,
  );
  return isRegular(failure) ? 'concluded' : 'cut-off';
}

function isRegular(failure: unknown): boolean {
  return (
    failure instanceof WorkflowFailedError &&
    failure.cause instanceof ApplicationFailure &&
    REGULAR_FAILURES.includes(failure.cause.type ?? '')
  );
}

/**
 * Ids of the workflows that carry rows, running and begun before `startedBeforeMs` (since the epoch). From the visibility store: a
 * moment old, so every answer is a question to ask of the row.
 */
export async function* runningWorkflows(
  client: Client,
  startedBeforeMs: number,
): AsyncGenerator<string> {
  const query =
    'ExecutionStatus = "Running" AND ' +
    'WorkflowType IN ("taskWorkflow", "swarmWorkflow", "gatewayWorkflow") AND ' +
    `StartTime < "${new Date(startedBeforeMs).toISOString()}"`;
  for await (const { workflowId } of client.workflow.list({ query })) yield workflowId;
}

/**
 * Running submissions begun before `startedBeforeMs` (since the epoch), whose ids their callers chose. From the
 * visibility store, like `runningWorkflows`.
 */
export async function* runningSubmissions(
  client: Client,
  startedBeforeMs: number,
): AsyncGenerator<{ readonly workflowId: string; readonly runId: string }> {
  const query =
    'ExecutionStatus = "Running" AND WorkflowType = "submissionWorkflow" AND ' +
    `StartTime < "${new Date(startedBeforeMs).toISOString()}"`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    yield { workflowId, runId };
  }
}
