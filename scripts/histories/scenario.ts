import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

/**
 * One path of a workflow, played so that its history can be recorded: activities answer from a script, the drive
 * sends messages. What is recorded depends on the workflow's code alone.
 */
export interface Scenario {
  /** Names the file: `<workflow>-<path>`. */
  readonly name: string;
  readonly workflow:
    | 'taskWorkflow'
    | 'swarmWorkflow'
    | 'gatewayWorkflow'
    | 'dashboardChainWorkflow'
    | 'maintenanceWorkflow'
    | 'submissionWorkflow'
    | 'bulkWorkflow';
  readonly workflowId: string;
  readonly args: readonly unknown[];
  /** As if a Schedule of Temporal had started it for this time. */
  readonly scheduledFor?: Date;
  /** Task queue → what its worker answers. The control queue also runs the workflow. */
  readonly workers: Readonly<Record<string, object>>;
  /** Sends what the path needs. The workflow is waited for afterwards, unless it `staysOpen`. */
  drive?(handle: WorkflowHandleWithFirstExecutionRunId, client: Client): Promise<void>;
  /** The path does not end: its history is taken as it stands after the drive. */
  readonly staysOpen?: boolean;
}

/** A promise and the hand that fulfils it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Answers one after the other; the last one stands for every later call. */
export function inOrder<T>(...answers: readonly T[]): () => Promise<T> {
  let next = 0;
  return async () => {
    const answer = answers[Math.min(next, answers.length - 1)];
    next += 1;
    if (answer === undefined) throw new Error('a played activity has no answer');
    return answer;
  };
}
