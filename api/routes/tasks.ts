import { newTaskOf } from '../../src/admission/new-work.ts';
import { PRIORITIES, type TaskState } from '../../src/domain/task.ts';
import { actorOf } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { taskRoutes } from '../../src/contract/tasks.ts';
import { acceptTask } from '../../src/db/accept.ts';
import { taskAttempts } from '../../src/db/attempt-record.ts';
import { taskSpending } from '../../src/db/budget-store.ts';
import { bumpTask } from '../../src/db/bump.ts';
import { requestCancel } from '../../src/db/cancel.ts';
import {
  discardDeadLetter,
  replayDeadLetter,
  type DeadLetterStands,
} from '../../src/db/dead-letter-store.ts';
import { taskEvents } from '../../src/db/event-store.ts';
import { listTasks } from '../../src/db/task-store.ts';
import { attemptDto, eventDto, taskDto, taskSummaryDto } from '../dto.ts';
import type { Handler, Handlers } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import {
  boundReached,
  idempotencyConflict,
  misplaced,
  noDeadLetter,
  notFound,
  unplaceableReplay,
} from '../refusals.ts';
import { defined, editsOf } from '../replay-edits.ts';
import { requestHash } from '../request-hash.ts';
import { tenantInView, tenantOfWork } from '../tenancy.ts';
import { visibleTask } from '../visible-task.ts';
import { decide } from './decide-task.ts';
import { whyTaskHandler } from './why.ts';

type TaskRoutes = typeof taskRoutes;

const submit: Handler<TaskRoutes['submit']> = async (deps, call) => {
  const { body, credential, idempotencyKey, scope } = call;
  const tenant = tenantOfWork(credential, body.tenant);
  const newTask = newTaskOf(body, {
    tenant,
    correlationId: scope.correlationId,
    idempotency:
      idempotencyKey === null
        ? null
        : { key: idempotencyKey, requestHash: requestHash(tenant, call.rawBody) },
    actor: actorOf(credential),
  });
  const accepted = await acceptTask(deps.db, newTask);
  switch (accepted.kind) {
    case 'accepted':
      return { status: 202, body: { existing: false, task: taskSummaryDto(accepted.task) } };
    case 'existing':
      return { status: 200, body: { existing: true, task: taskSummaryDto(accepted.task) } };
    case 'conflict':
      throw idempotencyConflict(idempotencyKey, { taskId: accepted.taskId });
    case 'refused':
      throw boundReached(accepted);
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      throw misplaced(accepted);
  }
};

const list: Handler<TaskRoutes['list']> = async (deps, { query, credential }) => {
  const { state, pool, session, swarm, schedule, priority } = query;
  const tenant = tenantInView(credential, query.tenant);
  const before = placeOfCursor(query.cursor);
  const rows = await listTasks(deps.db, {
    filter: {
      ...(state === undefined ? {} : { states: state }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(pool === undefined ? {} : { pool }),
      ...(session === undefined ? {} : { sessionKey: session }),
      ...(swarm === undefined ? {} : { swarmId: swarm }),
      ...(schedule === undefined ? {} : { scheduleId: schedule }),
      ...(priority === undefined ? {} : { priority: PRIORITIES[priority] }),
    },
    ...(before === undefined ? {} : { before }),
    limit: query.limit,
  });
  return {
    status: 200,
    body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: taskSummaryDto }),
  };
};

const get: Handler<TaskRoutes['get']> = async (deps, { params, credential }) => ({
  status: 200,
  body: taskDto(await visibleTask(deps, credential, params.taskId)),
});

const attempts: Handler<TaskRoutes['attempts']> = async (deps, { params, credential }) => {
  await visibleTask(deps, credential, params.taskId);
  const rows = await taskAttempts(deps.db, params.taskId);
  return { status: 200, body: { items: rows.map(attemptDto) } };
};

const spending: Handler<TaskRoutes['spending']> = async (deps, { params, credential }) => {
  await visibleTask(deps, credential, params.taskId);
  const rows = await taskSpending(deps.db, params.taskId);
  return { status: 200, body: { items: rows.map((row) => ({ ...row })) } };
};

const events: Handler<TaskRoutes['events']> = async (deps, { params, query, credential }) => {
  await visibleTask(deps, credential, params.taskId);
  const after = placeOfCursor(query.cursor) ?? 0;
  const page = await taskEvents(deps.db, { taskId: params.taskId, after, limit: query.limit });
  return {
    status: 200,
    body: pageOf(page.events, query.limit, { placeOf: (row) => row.seq, toDto: eventDto }),
  };
};

/** The row first (P28); the signal only hastens what the row says. */
const cancel: Handler<TaskRoutes['cancel']> = async (deps, { params, credential, scope }) => {
  const { taskId } = params;
  await visibleTask(deps, credential, taskId);
  const result = await requestCancel(deps.db, {
    taskId,
    reason: 'cancelled',
    actor: actorOf(credential),
  });
  if (result.kind === 'not-found') throw notFound('task', taskId);
  const workflowId = result.kind === 'terminal' ? null : result.workflowId;
  if (workflowId !== null) {
    hasten(scope.log, 'the cancel signal', () => deps.messages.signalTaskCancel(workflowId));
  }
  const task = taskSummaryDto(await visibleTask(deps, credential, taskId));
  if (result.kind === 'requested') return { status: 202, body: { result: 'requested', task } };
  return {
    status: 200,
    body: { result: result.kind === 'settled' ? 'cancelled' : 'already-ended', task },
  };
};

const bump: Handler<TaskRoutes['bump']> = async (deps, { params, body, credential }) => {
  const { taskId } = params;
  await visibleTask(deps, credential, taskId);
  const result = await bumpTask(deps.db, {
    taskId,
    priority: PRIORITIES[body.priority],
    actor: actorOf(credential),
    ...(body.reason === '' ? {} : { reason: body.reason }),
  });
  if (result.kind === 'not-found') throw notFound('task', taskId);
  if (result.kind === 'not-waiting') throw notWaiting(taskId, result.state);
  const task = taskSummaryDto(await visibleTask(deps, credential, taskId));
  return { status: 200, body: { result: result.kind, task } };
};

function notWaiting(taskId: string, state: TaskState): AppError {
  return new AppError({
    code: 'task-not-waiting',
    detail: `Task "${taskId}" is ${state}: only a task that waits can be raised, and this one has left the queue.`,
    details: { state },
  });
}

const replay: Handler<TaskRoutes['replay']> = async (deps, { params, body, credential }) => {
  const { taskId } = params;
  await visibleTask(deps, credential, taskId);
  const result = await replayDeadLetter(deps.db, {
    taskId,
    actor: actorOf(credential),
    again: body.again,
    edits: editsOf(body.edits),
  });
  switch (result.kind) {
    case 'replayed':
      return { status: 202, body: { existing: false, task: taskSummaryDto(result.task) } };
    case 'stands':
      if (result.replay === null || body.again) throw deadLetterClosed(taskId, result);
      return { status: 200, body: { existing: true, task: taskSummaryDto(result.replay) } };
    case 'refused':
      throw boundReached(result);
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      if (body.edits.pool !== undefined) throw misplaced(result, ['edits', 'pool']);
      throw unplaceableReplay(taskId, result);
    case 'not-found':
      throw noDeadLetter(taskId);
  }
};

const discard: Handler<TaskRoutes['discard']> = async (deps, { params, body, credential }) => {
  const { taskId } = params;
  await visibleTask(deps, credential, taskId);
  const actor = actorOf(credential);
  const result = await discardDeadLetter(deps.db, { taskId, actor, ...defined(body) });
  if (result.kind === 'not-found') throw noDeadLetter(taskId);
  if (result.kind === 'stands' && result.state === 'replayed')
    throw deadLetterClosed(taskId, result);
  const task = taskSummaryDto(await visibleTask(deps, credential, taskId));
  return { status: 200, body: { task } };
};

function deadLetterClosed(taskId: string, stands: DeadLetterStands): AppError {
  const replay = stands.replay?.id ?? null;
  const hint =
    stands.state === 'discarded'
      ? 'A discarded one stays so; submit the work as a new task.'
      : 'Another replay is possible once that task has ended, with "again": true.';
  return new AppError({
    code: 'dead-letter-closed',
    detail: `The dead letter of task "${taskId}" was ${stands.state} before${replay === null ? '' : `, as task "${replay}"`}. ${hint}`,
    details: { state: stands.state, replayTaskId: replay },
  });
}

export const taskHandlers: Handlers<TaskRoutes> = {
  submit,
  list,
  get,
  attempts,
  spending,
  events,
  cancel,
  bump,
  decide,
  replay,
  discard,
  why: whyTaskHandler,
};
