import type { Usage } from './failure.ts';
import type { SwarmEnd } from './swarm-plan.ts';
import { byteLength } from './swarm-template.ts';
import type { TaskEnd, TaskFailure, TerminalState } from './task.ts';

/** Work that a workflow of Temporal submits and waits for. */

/** Exactly one of them, in the shape that the API takes as the body of a request. */
export type SubmissionInput = { readonly task: unknown } | { readonly swarm: unknown };

/** What became of a request: a task, a swarm, or nothing, with the reason. */
export type SubmittedWork =
  | { readonly kind: 'task'; readonly taskId: string }
  | { readonly kind: 'swarm'; readonly swarmId: string }
  | { readonly kind: 'none'; readonly refusal: string };

/** How it stands, by its rows. */
export type SubmissionStanding =
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

/** The outcome of work that has ended; null: it has not, or never began. */
export function outcomeOf(standing: SubmissionStanding): SubmissionOutcome | null {
  if (standing.kind === 'open' || standing.kind === 'none') return null;
  if (standing.kind === 'swarm') return standing;
  const { taskId, end } = standing;
  const { state, output, usage, failure } = end;
  const outputOmitted = output !== null && byteLength(output) > OUTPUT_IN_HISTORY_BYTES;
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
