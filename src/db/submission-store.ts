import { swarmWorkflowId, taskWorkflowId } from '../domain/names.ts';
import type { Misplaced } from '../domain/placement.ts';
import type { SubmissionRows, SubmittedWork } from '../domain/submission.ts';
import type { BoundReached, NewTask } from './accept.ts';
import type { Database } from './database.ts';
import type { NewSwarm } from './swarm-store.ts';

export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

/** Whose submission it is. One key is one piece of work, however often it is asked for. */
export interface SubmissionId extends WorkflowRun {
  readonly key: string;
}

/** Why a schedule asks: its time has come, or a person wants it now. */
export interface Firing {
  /** The schedule, and the revision from which the work was made. */
  readonly id: string;
  readonly revision: number;
  readonly byPerson: boolean;
  /** ISO 8601; null: by a person. */
  readonly scheduledAt: string | null;
}

export interface NewSubmission {
  readonly key: string;
  /** Who waits for its end; null: nobody. */
  readonly run: WorkflowRun | null;
  readonly work:
    | { readonly kind: 'task'; readonly task: NewTask }
    | { readonly kind: 'swarm'; readonly swarm: NewSwarm };
  readonly firing?: Firing;
}

/**
 * Accepts the work of a submission by the same functions as the API (P7), and writes down who waits for it, in one
 * transaction. Asked again, it answers what was accepted the first time. A firing is not admitted when its schedule is
 * paused or gone; `changed`: the schedule has another revision, so the work is to be made anew.
 */
export function acceptSubmission(
  db: Database,
  { work, ...submission }: NewSubmission,
): Promise<SubmittedWork | BoundReached | Misplaced | { readonly kind: 'changed' }> {
  const wanted =
    work.kind === 'task'
      ? { task: { ...work.task, workflowId: taskWorkflowId(work.task.id) } }
      : { swarm: { ...work.swarm, workflowId: swarmWorkflowId(work.swarm.id) } };
  return db.call('accept_submission', { ...submission, ...wanted });
}

/** What is not accepted by now never will be, with `refusal` as the reason; what is, is answered. */
export function withdrawSubmission(
  db: Database,
  submission: Pick<NewSubmission, 'key' | 'run' | 'firing'> & { readonly refusal: string },
): Promise<SubmittedWork> {
  return db.call('withdraw_submission', submission);
}

/** How the work of a submission stands; null: it was neither accepted nor withdrawn. */
export function submissionStanding(db: Database, key: string): Promise<SubmissionRows | null> {
  return db.call('submission_standing', { key });
}

/** Submissions whose work has ended and whose workflow was not told, oldest end first. */
export function untoldSubmissions(db: Database, limit: number): Promise<SubmissionId[]> {
  return db.call('untold_submissions', { limit });
}

export function markSubmissionTold(db: Database, key: string): Promise<{ kind: 'ok' }> {
  return db.call('mark_submission_told', { key });
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
