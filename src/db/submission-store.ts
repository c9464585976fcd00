import { swarmWorkflowId, taskWorkflowId } from '../domain/names.ts';
import type { SubmissionStanding, SubmittedWork } from '../domain/submission.ts';
import type { BoundReached, NewTask, UnknownPool } from './accept.ts';
import type { Database } from './database.ts';
import type { NewSwarm } from './swarm-store.ts';

/** Whose submission it is. One key is one piece of work, however often it is asked for. */
export interface SubmissionId {
  readonly key: string;
  readonly workflowId: string;
  readonly runId: string;
}

export type NewSubmission = SubmissionId &
  ({ readonly task: NewTask } | { readonly swarm: NewSwarm });

/**
 * Accepts the work of a submission by the same functions as the API (P7), and writes down who waits for it, in one
 * transaction. Asked again, it answers what was accepted the first time.
 */
export function acceptSubmission(
  db: Database,
  submission: NewSubmission,
): Promise<SubmittedWork | BoundReached | UnknownPool> {
  const work =
    'task' in submission
      ? { task: { ...submission.task, workflowId: taskWorkflowId(submission.task.id) } }
      : { swarm: { ...submission.swarm, workflowId: swarmWorkflowId(submission.swarm.id) } };
  const { key, workflowId, runId } = submission;
  return db.call('accept_submission', { key, workflowId, runId, ...work });
}

/** What is not accepted by now never will be, with `refusal` as the reason; what is, is answered. */
export function withdrawSubmission(
  db: Database,
  submission: SubmissionId & { readonly refusal: string },
): Promise<SubmittedWork> {
  return db.call('withdraw_submission', submission);
}

/** How the work of a submission stands; null: it was neither accepted nor withdrawn. */
export function submissionStanding(db: Database, key: string): Promise<SubmissionStanding | null> {
  return db.call('submission_standing', { key });
}

/** Submissions whose work has ended and whose workflow was not told, oldest end first. */
export function untoldSubmissions(db: Database, limit: number): Promise<SubmissionId[]> {
  return db.call('untold_submissions', { limit });
}

export function markSubmissionTold(db: Database, key: string): Promise<{ kind: 'ok' }> {
  return db.call('mark_submission_told', { key });
}

export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

export interface EndedSubmission extends SubmissionId {
  readonly taskId: string | null;
  readonly swarmId: string | null;
  readonly endedAt: string;
}

/** Of these runs of `submissionWorkflow` those whose work ended `olderThanSeconds` ago or earlier (P35). */
export function endedSubmissions(
  db: Database,
  options: { readonly runs: readonly WorkflowRun[]; readonly olderThanSeconds: number },
): Promise<EndedSubmission[]> {
  return db.call('ended_submissions', options);
}
