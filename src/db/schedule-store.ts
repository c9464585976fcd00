import type { ScheduleDefinition, ScheduleRecord } from '../domain/schedule.ts';
import type { TaskState } from '../domain/task.ts';
import type { Misplaced, Place } from '../domain/placement.ts';
import type { Idempotency } from './accept.ts';
import type { Database } from './database.ts';
import type { ReconcilePage } from './reconcile-queries.ts';
import type { SwarmState } from './swarm-store.ts';

interface Change {
  /** Where its work is to go: checked when it is written. */
  readonly places: readonly Place[];
  readonly actor: string | null;
}

export interface NewSchedule extends ScheduleDefinition, Change {
  /** Of `newId('schedule')`. */
  readonly id: string;
  readonly tenant: string;
  readonly paused: boolean;
  readonly idempotency: Idempotency | null;
}

export type CreateScheduleResult =
  | { readonly kind: 'created'; readonly schedule: ScheduleRecord }
  | { readonly kind: 'existing'; readonly schedule: ScheduleRecord }
  | { readonly kind: 'conflict'; readonly scheduleId: string }
  | Misplaced;

export type ScheduleWriteResult =
  { readonly kind: 'ok'; readonly schedule: ScheduleRecord } | { readonly kind: 'not-found' };

export function createSchedule(db: Database, schedule: NewSchedule): Promise<CreateScheduleResult> {
  return db.call('create_schedule', inRow(schedule));
}

/** Writes a definition that was made from `revision`; `changed`: somebody else wrote since, so it is to be made anew. */
export function updateSchedule(
  db: Database,
  schedule: ScheduleDefinition & Change & { readonly id: string; readonly revision: number },
): Promise<ScheduleWriteResult | Misplaced | { readonly kind: 'changed' }> {
  return db.call('update_schedule', inRow(schedule));
}

/** From the answer on nothing is admitted by time, wherever Temporal is. Repeating it changes nothing. */
export function pauseSchedule(
  db: Database,
  wish: { readonly scheduleId: string; readonly paused: boolean; readonly actor: string | null },
): Promise<ScheduleWriteResult> {
  return db.call('pause_schedule', wish);
}

/** What it has started goes on. */
export function deleteSchedule(
  db: Database,
  wish: { readonly scheduleId: string; readonly actor: string | null },
): Promise<ScheduleWriteResult> {
  return db.call('delete_schedule', wish);
}

/** Notes why Temporal does not take a revision; null: it follows it. */
export function setScheduleProblem(
  db: Database,
  options: {
    readonly scheduleId: string;
    readonly revision: number;
    readonly problem: string | null;
  },
): Promise<{ kind: 'ok' }> {
  return db.call('set_schedule_problem', options);
}

/** null: there is none, or it was deleted. */
export function getSchedule(db: Database, scheduleId: string): Promise<ScheduleRecord | null> {
  return db.call('get_schedule', { scheduleId });
}

/** Newest first; `before` is the seq of the last one of the page before. */
export function listSchedules(
  db: Database,
  options: { readonly tenant?: string; readonly before?: number; readonly limit: number },
): Promise<ScheduleRecord[]> {
  return db.call('list_schedules', options);
}

/** One time that a schedule came due, or a person asked for it at once. */
export interface ScheduleFiring {
  /** null: by a person. */
  readonly scheduledAt: string | null;
  readonly firedAt: string;
  readonly trigger: 'time' | 'person';
  readonly workflowId: string | null;
  readonly taskId: string | null;
  readonly swarmId: string | null;
  readonly state: TaskState | SwarmState | null;
  /** Why nothing was admitted. */
  readonly refusal: string | null;
}

/** Newest first. */
export function scheduleFirings(
  db: Database,
  options: { readonly scheduleId: string; readonly limit: number },
): Promise<ScheduleFiring[]> {
  return db.call('schedule_firings', options);
}

/** Schedules that nobody has changed for so long, to be compared with Temporal's (P35). */
export function settledSchedules(db: Database, page: ReconcilePage): Promise<ScheduleRecord[]> {
  return db.call('settled_schedules', page);
}

/** Of these ids those that are there. */
export async function knownSchedules(
  db: Database,
  scheduleIds: readonly string[],
): Promise<Set<string>> {
  return new Set(await db.call<string[]>('known_schedules', { scheduleIds }));
}

function inRow({ work, ...rest }: ScheduleDefinition): object {
  return 'task' in work
    ? { ...rest, workKind: 'task', work: work.task }
    : { ...rest, workKind: 'swarm', work: work.swarm };
}
