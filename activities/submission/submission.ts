import { ApplicationFailure } from '@temporalio/common';
import { newSwarmOf, newTaskOf, type Admission } from '../../src/admission/new-work.ts';
import { newScheduledWork } from '../../src/admission/scheduled-work.ts';
import { submitTask } from '../../src/contract/task-dto.ts';
import { requestCancel } from '../../src/db/cancel.ts';
import type { Database } from '../../src/db/database.ts';
import { getSchedule } from '../../src/db/schedule-store.ts';
import {
  acceptSubmission,
  submissionStanding,
  withdrawSubmission,
  type Firing,
  type NewSubmission,
  type SubmissionId,
} from '../../src/db/submission-store.ts';
import { requestSwarmCancel } from '../../src/db/swarm-store.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { explainMisplaced } from '../../src/domain/placement.ts';
import { formatPath, problemsOf, type InputProblem } from '../../src/domain/input-problems.ts';
import {
  standingOf,
  SUBMISSION_FAILURES,
  type SubmissionStanding,
  type SubmittedWork,
} from '../../src/domain/submission.ts';
import { parseSwarmSpec } from '../../src/domain/swarm-spec.ts';
import { TASK_DEFAULTS } from '../../src/domain/task-defaults.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';

/** One submission: its key, and the run that waits for it. */
export interface OfSubmission extends SubmissionId {
  /** For the run of a schedule: which, and for which time, ISO 8601. */
  readonly firing?: { readonly scheduleId: string; readonly scheduledAt: string };
}

export interface SubmissionActivities {
  /**
   * Accepts a request on the path of the API, once per submission. Fails for good (`InvalidSubmission`) when it does
   * not fit its description; waits in retries while a bound on open work is reached.
   */
  acceptSubmission(input: OfSubmission & { readonly request: unknown }): Promise<SubmittedWork>;
  /** The wish of a Temporal cancel: ends the work, or keeps what is not accepted yet from ever being. */
  cancelSubmission(input: OfSubmission): Promise<void>;
  submissionStanding(input: {
    readonly key: string;
    readonly withOutput: boolean;
  }): Promise<SubmissionStanding>;
}

export interface SubmissionDeps {
  readonly db: Database;
  readonly messages: Pick<WorkflowMessages, 'startSwarm' | 'signalTaskCancel' | 'signalSwarmNews'>;
}

const ACTOR = 'temporal';

export function createSubmissionActivities(deps: SubmissionDeps): SubmissionActivities {
  return {
    async acceptSubmission({ request, ...submission }) {
      const work =
        submission.firing === undefined
          ? await accept(deps.db, submission, workOf(request, submission.workflowId))
          : await fire(deps.db, submission, submission.firing);
      // A swarm needs its workflow; the repetition of a lost start finds the swarm accepted.
      if (work.kind === 'swarm') await deps.messages.startSwarm(work.swarmId);
      return work;
    },
    cancelSubmission: (submission) => cancel(deps, submission),
    async submissionStanding({ key, withOutput }) {
      const rows = await submissionStanding(deps.db, key);
      if (rows !== null) return standingOf(rows, withOutput);
      throw ApplicationFailure.nonRetryable(
        `There is no submission ${key} in the database. If the database was restored from a backup, submit the work again.`,
        SUBMISSION_FAILURES.invalid,
      );
    },
  };
}

function workOf(request: unknown, workflowId: string): NewSubmission['work'] {
  if (typeof request !== 'object' || request === null) throw invalid([NEITHER]);
  const { task, swarm, ...rest } = request as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(rest).map((key) => ({ path: [key], message: 'is not known here' }));
  if ((task === undefined) === (swarm === undefined) || unknown.length > 0) {
    throw invalid(unknown.length > 0 ? unknown : [NEITHER]);
  }
  return task === undefined ? swarmOf(swarm, workflowId) : taskOf(task, workflowId);
}

const NEITHER: InputProblem = {
  path: [],
  message: 'must have either "task" or "swarm", in the shape of the body that the API takes',
};

function taskOf(request: unknown, workflowId: string): NewSubmission['work'] {
  const parsed = submitTask.safeParse(request);
  if (!parsed.success) throw invalid(within('task', problemsOf(parsed.error, submitTask, request)));
  const task = newTaskOf(parsed.data, admission(parsed.data.tenant, workflowId));
  return { kind: 'task', task };
}

function swarmOf(request: unknown, workflowId: string): NewSubmission['work'] {
  const parsed = parseSwarmSpec(request);
  if (parsed.kind === 'invalid') throw invalid(within('swarm', parsed.problems));
  const swarm = newSwarmOf(parsed, request, admission(parsed.spec.tenant, workflowId));
  return { kind: 'swarm', swarm };
}

/** Who may start workflows in the namespace may act for every tenant. One id finds all traces: that of the workflow. */
function admission(tenant: string | undefined, workflowId: string): Admission {
  return {
    tenant: tenant ?? TASK_DEFAULTS.tenant,
    correlationId: workflowId,
    idempotency: null,
    actor: ACTOR,
  };
}

/** The time of a schedule has come: its work is made from the row, as it stands now. */
async function fire(
  db: Database,
  submission: OfSubmission,
  { scheduleId, scheduledAt }: NonNullable<OfSubmission['firing']>,
): Promise<SubmittedWork> {
  const { key, workflowId, runId } = submission;
  const run = { workflowId, runId };
  const schedule = await getSchedule(db, scheduleId);
  const firing = {
    id: scheduleId,
    revision: schedule?.revision ?? 0,
    byPerson: false,
    scheduledAt,
  };
  const refuse = (refusal: string): Promise<SubmittedWork> =>
    withdrawSubmission(db, { key, run, firing, refusal });
  if (schedule === null) return refuse('the schedule is gone');
  const work = newScheduledWork(schedule, { correlationId: workflowId, actor: ACTOR });
  try {
    if (work.kind === 'invalid') throw invalid(work.problems);
    return await accept(db, submission, work, firing);
  } catch (error) {
    // Seen where the firings of the schedule are listed.
    if (isInvalid(error)) await refuse(error.message);
    throw error;
  }
}

function isInvalid(error: unknown): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === SUBMISSION_FAILURES.invalid;
}

async function accept(
  db: Database,
  { key, workflowId, runId }: SubmissionId,
  work: NewSubmission['work'],
  firing?: Firing,
): Promise<SubmittedWork> {
  const run = { workflowId, runId };
  const answer = await acceptSubmission(db, {
    key,
    run,
    work,
    ...(firing === undefined ? {} : { firing }),
  });
  switch (answer.kind) {
    case 'task':
    case 'swarm':
    case 'none':
      return answer;
    case 'changed':
      throw ApplicationFailure.create({
        type: 'ScheduleChanged',
        message: 'The schedule was changed at this moment; asked again.',
        nextRetryDelay: '100ms',
      });
    case 'refused':
      throw ApplicationFailure.create({
        type: 'LimitReached',
        message: `The bound ${answer.bound} of ${answer.limit} is reached; asked again in ${answer.retryAfterSeconds} s.`,
        nextRetryDelay: `${answer.retryAfterSeconds}s`,
      });
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      throw invalid([{ path: [work.kind], message: explainMisplaced(answer) }]);
    default:
      return assertNever(answer);
  }
}

/** The rows first (P28); signals only hasten what they say. */
async function cancel({ db, messages }: SubmissionDeps, submission: OfSubmission): Promise<void> {
  const { key, workflowId, runId, firing } = submission;
  const work = await withdrawSubmission(db, {
    key,
    run: { workflowId, runId },
    ...(firing === undefined ? {} : { firing: withdrawn(firing) }),
    refusal: 'cancelled before it was accepted',
  });
  if (work.kind === 'task') {
    const { taskId } = work;
    const answer = await requestCancel(db, { taskId, reason: 'cancelled', actor: ACTOR });
    const taskWorkflowId = 'workflowId' in answer ? answer.workflowId : null;
    if (taskWorkflowId !== null) await messages.signalTaskCancel(taskWorkflowId);
  }
  if (work.kind === 'swarm') {
    await requestSwarmCancel(db, { swarmId: work.swarmId, actor: ACTOR });
    await messages.signalSwarmNews(work.swarmId);
  }
}

function withdrawn({ scheduleId, scheduledAt }: NonNullable<OfSubmission['firing']>): Firing {
  return { id: scheduleId, revision: 0, byPerson: false, scheduledAt };
}

function within(key: string, problems: readonly InputProblem[]): readonly InputProblem[] {
  return problems.map(({ path, message }) => ({ path: [key, ...path], message }));
}

function invalid(problems: readonly InputProblem[]): ApplicationFailure {
  const issues = problems.map(({ path, message }) => ({ path: formatPath(path), message }));
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return ApplicationFailure.nonRetryable(
    `The submission is not valid: ${list}. Correct this and start it again; nothing was accepted.`,
    SUBMISSION_FAILURES.invalid,
    { issues },
  );
}
