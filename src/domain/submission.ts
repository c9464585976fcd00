import type { Usage } from './failure.ts';
import type { SwarmEnd } from './swarm-plan.ts';
import { byteLength } from './swarm-template.ts';
import type { TaskEnd, TaskFailure, TerminalState } from './task.ts';

/** Work that a workflow of Temporal submits and waits for. */

/**
 * Exactly one of them, a task or a swarm in the shape that the API takes as the body of a request. `schedule` is for
 * the Schedules that Dash makes: the work stands in the row.
 */
export type SubmissionInput =
  | { readonly task: unknown }
  | { readonly swarm: unknown }
  | { readonly schedule: { readonly id: string; readonly revision: number } };

/** What became of a request: a task, a swarm, or nothing, with the reason. */
export type SubmittedWork =
  | { readonly kind: 'task'; readonly taskId: string }
  | { readonly kind: 'swarm'; readonly swarmId: string }
  | { readonly kind: 'none'; readonly refusal: string };

/** How it stands, by its rows, once it has ended: with the whole output. */
export type SubmissionRows =
  | { readonly kind: 'open' }
  | { readonly kind: 'none'; readonly refusal: string }
  | { readonly kind: 'task'; readonly taskId: string; readonly end: TaskEnd }
  | {
      readonly kind: 'swarm';
      readonly swarmId: string;
      readonly state: SwarmEnd;
      readonly reason: string | null;
    };

/** How submitted work ended: what `submissionWorkflow` returns, or fails with as the details of its failure. */
export type SubmissionOutcome =
  /** Nothing was admitted: the schedule is paused or gone. */
  | { readonly kind: 'none'; readonly refusal: string }
  | {
      readonly kind: 'task';
      readonly taskId: string;
      readonly state: TerminalState;
      /** null: there is none, or it is larger than a history should hold (`outputOmitted`) and stands in the row. */
      readonly output: string | null;
      readonly outputOmitted: boolean;
      readonly usage: Usage | null;
      readonly failure: TaskFailure | null;
    }
  | {
      readonly kind: 'swarm';
      readonly swarmId: string;
      readonly state: SwarmEnd;
      readonly reason: string | null;
    };

/** Types of the failures that `submissionWorkflow` ends with, by how the work ended. */
export const SUBMISSION_FAILURES = {
  /** The request does not fit its description; the details list what is wrong. */
  invalid: 'InvalidSubmission',
  dead: 'TaskDead',
  expired: 'TaskExpired',
  cancelled: 'TaskCancelled',
  swarmFailed: 'SwarmFailed',
  swarmCancelled: 'SwarmCancelled',
} as const;

/** Outputs up to so many bytes of UTF-8 go into a history; larger ones are read from the row. */
export const OUTPUT_IN_HISTORY_BYTES = 65_536;

/** What a run of `submissionWorkflow` asks for once, also when its activity is repeated. */
export function submissionKey(run: {
  readonly workflowId: string;
  readonly runId: string;
}): string {
  return `run/${run.runId}/${run.workflowId}`;
}

export type SubmissionStanding = { readonly kind: 'open' } | SubmissionOutcome;

/** How it stands, fit for a history: a large output is left out, without `withOutput` every one. */
export function standingOf(rows: SubmissionRows, withOutput: boolean): SubmissionStanding {
  if (rows.kind !== 'task') return rows;
  const { taskId, end } = rows;
  const { state, output, usage, failure } = end;
  const outputOmitted =
    output !== null && (!withOutput || byteLength(output) > OUTPUT_IN_HISTORY_BYTES);
  return {
    kind: 'task',
    taskId,
    state,
    output: outputOmitted ? null : output,
    outputOmitted,
    usage,
    failure,
  };
}
