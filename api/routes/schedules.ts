import { newScheduledWork } from '../../src/admission/scheduled-work.ts';
import { followSchedule } from '../../src/admission/follow-schedule.ts';
import { actorOf, type Credential } from '../../src/auth/credential.ts';
import type { Schedule, scheduleRoutes } from '../../src/contract/schedules.ts';
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  pauseSchedule,
  scheduleFirings,
  updateSchedule,
  type ScheduleWriteResult,
} from '../../src/db/schedule-store.ts';
import { acceptSubmission } from '../../src/db/submission-store.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import {
  SCHEDULE_DEFAULTS,
  timingProblems,
  type MirroredSchedule,
  type ScheduleDefinition,
  type ScheduleRecord,
} from '../../src/domain/schedule.ts';
import { newId } from '../../src/platform/ids.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { ApiCall, Handler, Handlers, Reply } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import {
  boundReached,
  idempotencyConflict,
  invalidBody,
  notFound,
  misplaced,
} from '../refusals.ts';
import { requestHash } from '../request-hash.ts';
import { checkedPlaces, misplacedWork, writtenWork } from '../scheduled-body.ts';
import { maySee, tenantInView, tenantOfWork } from '../tenancy.ts';

type ScheduleRoutes = typeof scheduleRoutes;
/** What every call about one schedule has. */
type ScheduleCall = Pick<ApiCall<ScheduleRoutes['pause']>, 'params' | 'credential' | 'scope'>;

const RECENT_FIRINGS = 20;

export function scheduleDto(row: ScheduleRecord): Schedule {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    task: 'task' in row.work ? row.work.task : null,
    swarm: 'swarm' in row.work ? row.work.swarm : null,
    cron: row.cron,
    everySeconds: row.everySeconds,
    timeZone: row.timeZone,
    overlap: row.overlap,
    catchupSeconds: row.catchupSeconds,
    paused: row.paused,
    note: row.note,
    revision: row.revision,
    problem: row.problem,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

/** The row first; Temporal follows after the commit, by reconcile when that fails. */
function follow(deps: ApiDeps, { scope }: Pick<ApiCall, 'scope'>, scheduleId: string): void {
  hasten(scope.log, 'the change of the schedule', () =>
    followSchedule({ db: deps.db, mirror: deps.messages.schedules }, scheduleId),
  );
}

const create: Handler<ScheduleRoutes['create']> = async (deps, call) => {
  const { body, rawBody, credential, idempotencyKey } = call;
  const tenant = tenantOfWork(credential, body.tenant);
  const work = writtenWork(rawBody);
  if (work === null) throw new Error('a schedule without work has passed its validation');
  const created = await createSchedule(deps.db, {
    id: newId('schedule'),
    tenant,
    name: body.name,
    work,
    cron: body.cron ?? null,
    everySeconds: body.everySeconds ?? null,
    timeZone: body.timeZone ?? SCHEDULE_DEFAULTS.timeZone,
    overlap: body.overlap ?? SCHEDULE_DEFAULTS.overlap,
    catchupSeconds: body.catchupSeconds ?? SCHEDULE_DEFAULTS.catchupSeconds,
    paused: body.paused,
    note: body.note ?? null,
    places: checkedPlaces(work),
    actor: actorOf(credential),
    idempotency:
      idempotencyKey === null
        ? null
        : { key: idempotencyKey, requestHash: requestHash(tenant, rawBody) },
  });
  switch (created.kind) {
    case 'created':
      follow(deps, call, created.schedule.id);
      return { status: 201, body: { existing: false, schedule: scheduleDto(created.schedule) } };
    case 'existing':
      return { status: 200, body: { existing: true, schedule: scheduleDto(created.schedule) } };
    case 'conflict':
      throw idempotencyConflict(idempotencyKey, { scheduleId: created.scheduleId });
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      throw misplacedWork(work, created);
    default:
      return assertNever(created);
  }
};

const list: Handler<ScheduleRoutes['list']> = async (deps, { query, credential }) => {
  const tenant = tenantInView(credential, query.tenant);
  const before = placeOfCursor(query.cursor);
  const rows = await listSchedules(deps.db, {
    ...(tenant === undefined ? {} : { tenant }),
    ...(before === undefined ? {} : { before }),
    limit: query.limit,
  });
  return {
    status: 200,
    body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: scheduleDto }),
  };
};

async function visibleSchedule(
  deps: ApiDeps,
  credential: Credential,
  scheduleId: string,
): Promise<ScheduleRecord> {
  const row = await getSchedule(deps.db, scheduleId);
  if (row === null || !maySee(credential, row.tenant)) throw notFound('schedule', scheduleId);
  return row;
}

const get: Handler<ScheduleRoutes['get']> = async (deps, { params, credential }) => {
  const { scheduleId } = params;
  const row = await visibleSchedule(deps, credential, scheduleId);
  const [mirrored, firings] = await Promise.all([
    // Rows answer without Temporal.
    deps.messages.schedules.look(scheduleId).catch(() => null),
    scheduleFirings(deps.db, { scheduleId, limit: RECENT_FIRINGS }),
  ]);
  return {
    status: 200,
    body: { schedule: scheduleDto(row), upcoming: upcomingDto(mirrored), firings },
  };
};

function upcomingDto(mirrored: MirroredSchedule | null) {
  if (mirrored === null) return null;
  const { next, skippedByOverlap, missedCatchup } = mirrored;
  return { next: [...next], skippedByOverlap, missedCatchup };
}

const update: Handler<ScheduleRoutes['update']> = async (deps, call) => {
  const { scheduleId } = call.params;
  for (;;) {
    const row = await visibleSchedule(deps, call.credential, scheduleId);
    const changed = changedBy(call, row);
    const written = await updateSchedule(deps.db, {
      ...changed,
      id: row.id,
      revision: row.revision,
      places: checkedPlaces(changed.work),
      actor: actorOf(call.credential),
    });
    switch (written.kind) {
      case 'changed':
        continue;
      case 'ok':
      case 'not-found':
        return answered(deps, call, written);
      case 'unknown-pool':
      case 'tenant-not-in-pool':
      case 'unmet-requirements':
        throw misplacedWork(changed.work, written);
      default:
        return assertNever(written);
    }
  }
};

/** The definition with what the request names; the rest as it stands. */
function changedBy(
  { body, rawBody }: ApiCall<ScheduleRoutes['update']>,
  row: ScheduleRecord,
): ScheduleDefinition {
  const { timeZone } = body;
  const { cron, everySeconds } =
    body.cron === undefined && body.everySeconds === undefined
      ? row
      : { cron: body.cron ?? null, everySeconds: body.everySeconds ?? null };
  const problems = timingProblems({
    ...(cron === null ? { everySeconds } : { cron }),
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  if (problems.length > 0) throw invalidBody(problems);
  return {
    name: body.name ?? row.name,
    work: writtenWork(rawBody) ?? row.work,
    cron,
    everySeconds,
    timeZone: cron === null ? SCHEDULE_DEFAULTS.timeZone : (timeZone ?? row.timeZone),
    overlap: body.overlap ?? row.overlap,
    catchupSeconds: body.catchupSeconds ?? row.catchupSeconds,
    note: body.note === undefined ? row.note : body.note,
  };
}

function answered(
  deps: ApiDeps,
  call: Pick<ScheduleCall, 'params' | 'scope'>,
  written: ScheduleWriteResult,
): { readonly status: 200; readonly body: { schedule: Schedule } } {
  const { scheduleId } = call.params;
  if (written.kind === 'not-found') throw notFound('schedule', scheduleId);
  follow(deps, call, scheduleId);
  return { status: 200, body: { schedule: scheduleDto(written.schedule) } };
}

function setPaused(paused: boolean) {
  return async (deps: ApiDeps, call: ScheduleCall): Promise<Reply<ScheduleRoutes['pause']>> => {
    const { scheduleId } = call.params;
    await visibleSchedule(deps, call.credential, scheduleId);
    const actor = actorOf(call.credential);
    return answered(deps, call, await pauseSchedule(deps.db, { scheduleId, paused, actor }));
  };
}

const remove: Handler<ScheduleRoutes['remove']> = async (deps, call) => {
  const { scheduleId } = call.params;
  await visibleSchedule(deps, call.credential, scheduleId);
  const actor = actorOf(call.credential);
  return answered(deps, call, await deleteSchedule(deps.db, { scheduleId, actor }));
};

/** Accepted here and now, without Temporal: an answer that names the work. */
const trigger: Handler<ScheduleRoutes['trigger']> = async (deps, call) => {
  const { credential, idempotencyKey, scope } = call;
  const { scheduleId } = call.params;
  const key = `trigger/${scheduleId}/${idempotencyKey ?? newId('req')}`;
  for (;;) {
    const row = await visibleSchedule(deps, credential, scheduleId);
    const { correlationId } = scope;
    const work = newScheduledWork(row, { correlationId, actor: actorOf(credential) });
    if (work.kind === 'invalid') throw invalidBody(work.problems);
    const accepted = await acceptSubmission(deps.db, {
      key,
      run: null,
      work,
      firing: { id: row.id, revision: row.revision, byPerson: true, scheduledAt: null },
    });
    switch (accepted.kind) {
      case 'task':
        return { status: 202, body: { taskId: accepted.taskId, swarmId: null } };
      case 'swarm': {
        const { swarmId } = accepted;
        hasten(scope.log, 'the start of the swarm', () => deps.messages.startSwarm(swarmId));
        return { status: 202, body: { taskId: null, swarmId } };
      }
      case 'changed':
        continue;
      case 'none':
        throw notFound('schedule', scheduleId);
      case 'refused':
        throw boundReached(accepted);
      case 'unknown-pool':
      case 'tenant-not-in-pool':
      case 'unmet-requirements':
        throw misplaced(accepted);
      default:
        return assertNever(accepted);
    }
  }
};

export const scheduleHandlers: Handlers<ScheduleRoutes> = {
  create,
  list,
  get,
  update,
  pause: setPaused(true),
  resume: setPaused(false),
  trigger,
  remove,
};
