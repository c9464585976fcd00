import { ApplicationFailure } from '@temporalio/common';
import { newSwarmOf, newTaskOf, type Admission } from '../../src/admission/new-work.ts';
import { submitTask } from '../../src/contract/task-dto.ts';
import { requestCancel } from '../../src/db/cancel.ts';
import type { Database } from '../../src/db/database.ts';
import {
  acceptSubmission,
  submissionStanding,
  withdrawSubmission,
  type NewSubmission,
  type SubmissionId,
} from '../../src/db/submission-store.ts';
import { requestSwarmCancel } from '../../src/db/swarm-store.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { formatPath, problemsOf, type InputProblem } from '../../src/domain/input-problems.ts';
import {
  SUBMISSION_FAILURES,
  type SubmissionStanding,
  type SubmittedWork,
} from '../../src/domain/submission.ts';
import { parseSwarmSpec } from '../../src/domain/swarm-spec.ts';
import { TASK_DEFAULTS } from '../../src/domain/task-defaults.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';

export interface SubmissionActivities {
  /**
   * Accepts a request on the path of the API, once per submission. Fails for good (`InvalidSubmission`) when it does
   * not fit its description; waits in retries while a bound on open work is reached.
   */
  acceptSubmission(input: SubmissionId & { readonly request: unknown }): Promise<SubmittedWork>;
  /** The wish of a Temporal cancel: ends the work, or keeps what is not accepted yet from ever being. */
  cancelSubmission(input: SubmissionId): Promise<void>;
  submissionStanding(input: { readonly key: string }): Promise<SubmissionStanding>;
}

export interface SubmissionDeps {
  readonly db: Database;
  readonly messages: Pick<WorkflowMessages, 'startSwarm' | 'signalTaskCancel' | 'signalSwarmNews'>;
}

const ACTOR = 'temporal';

export function createSubmissionActivities(deps: SubmissionDeps): SubmissionActivities {
  return {
    async acceptSubmission({ request, ...id }) {
      const work = workOf(request, id.workflowId);
      return carriedOn(deps, await accept(deps.db, { ...id, ...work }));
    },
    cancelSubmission: (id) => cancel(deps, id),
    async submissionStanding({ key }) {
      const standing = await submissionStanding(deps.db, key);
      if (standing !== null) return standing;
      throw ApplicationFailure.nonRetryable(
        `There is no submission ${key} in the database. If the database was restored from a backup, submit the work again.`,
        SUBMISSION_FAILURES.invalid,
      );
    },
  };
}

type Work = Pick<Extract<NewSubmission, { task: unknown }>, 'task'> | SwarmWork;
type SwarmWork = Pick<Extract<NewSubmission, { swarm: unknown }>, 'swarm'>;

function workOf(request: unknown, workflowId: string): Work {
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

function taskOf(request: unknown, workflowId: string): Work {
  const parsed = submitTask.safeParse(request);
  if (!parsed.success) throw invalid(within('task', problemsOf(parsed.error, submitTask, request)));
  return { task: newTaskOf(parsed.data, admission(parsed.data.tenant, workflowId)) };
}

function swarmOf(request: unknown, workflowId: string): Work {
  const parsed = parseSwarmSpec(request);
  if (parsed.kind === 'invalid') throw invalid(within('swarm', parsed.problems));
  return { swarm: newSwarmOf(parsed, request, admission(parsed.spec.tenant, workflowId)) };
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

async function accept(db: Database, submission: NewSubmission): Promise<SubmittedWork> {
  const answer = await acceptSubmission(db, submission);
  switch (answer.kind) {
    case 'task':
    case 'swarm':
    case 'none':
      return answer;
    case 'refused':
      throw ApplicationFailure.create({
        type: 'LimitReached',
        message: `The bound ${answer.bound} of ${answer.limit} is reached; asked again in ${answer.retryAfterSeconds} s.`,
        nextRetryDelay: `${answer.retryAfterSeconds}s`,
      });
    case 'unknown-pool':
      throw invalid([{ path: [], message: `there is no pool "${answer.pool}"` }]);
    default:
      return assertNever(answer);
  }
}

/** A swarm needs its workflow; the repetition of a lost start finds the swarm accepted. */
async function carriedOn(
  { messages }: SubmissionDeps,
  work: SubmittedWork,
): Promise<SubmittedWork> {
  if (work.kind === 'swarm') await messages.startSwarm(work.swarmId);
  return work;
}

/** The rows first (P28); signals only hasten what they say. */
async function cancel({ db, messages }: SubmissionDeps, id: SubmissionId): Promise<void> {
  const work = await withdrawSubmission(db, {
    ...id,
    refusal: 'cancelled before it was accepted',
  });
  if (work.kind === 'task') {
    const { taskId } = work;
    const answer = await requestCancel(db, { taskId, reason: 'cancelled', actor: ACTOR });
    const workflowId = 'workflowId' in answer ? answer.workflowId : null;
    if (workflowId !== null) await messages.signalTaskCancel(workflowId);
  }
  if (work.kind === 'swarm') {
    await requestSwarmCancel(db, { swarmId: work.swarmId, actor: ACTOR });
    await messages.signalSwarmNews(work.swarmId);
  }
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
