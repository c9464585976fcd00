import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
  type ScheduleOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { CONTROL_QUEUE } from '../domain/names.ts';
import type { MirroredSchedule, OverlapPolicy, ScheduleRecord } from '../domain/schedule.ts';
import type { SubmissionInput } from '../domain/submission.ts';

/** Temporal's Schedules, as far as they follow the rows of `dash.schedules`. */
export interface ScheduleMirror {
  /**
   * Makes Temporal's Schedule what the row says. Throws `ScheduleRefused` when Temporal will never take it; any other
   * error says that it could not be asked.
   */
  follow(schedule: ScheduleRecord): Promise<void>;
  /** Repeating it does no harm. What was started goes on. */
  remove(scheduleId: string): Promise<void>;
  /** null: Temporal has none. */
  look(scheduleId: string): Promise<MirroredSchedule | null>;
  /** Ids of the rows that Temporal's Schedules follow; a moment old. */
  list(): AsyncIterable<string>;
}

export class ScheduleRefused extends Error {}

const PREFIX = 'dash-schedule/';
const tenantKey = defineSearchAttributeKey('DashTenant', SearchAttributeType.KEYWORD);

const OVERLAP = {
  skip: 'SKIP',
  'buffer-one': 'BUFFER_ONE',
  'allow-all': 'ALLOW_ALL',
  'cancel-other': 'CANCEL_OTHER',
} as const satisfies Record<OverlapPolicy, string>;

/** `timeoutMs` bounds each call. */
export function createScheduleMirror(options: {
  readonly client: Client;
  readonly timeoutMs: number;
}): ScheduleMirror {
  const { client, timeoutMs } = options;
  const bounded = <T>(call: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + timeoutMs, call);
  const handleOf = (scheduleId: string) => client.schedule.getHandle(PREFIX + scheduleId);
  return {
    follow: (schedule) => bounded(() => refusedOr(() => createOrUpdate(client, schedule))),
    remove: (scheduleId) =>
      bounded(() => unlessAbsent(() => handleOf(scheduleId).delete())).then(() => undefined),
    look: (scheduleId) =>
      bounded(() => unlessAbsent(async () => mirrored(await handleOf(scheduleId).describe()))),
    async *list() {
      for await (const { scheduleId } of client.schedule.list()) {
        if (scheduleId.startsWith(PREFIX)) yield scheduleId.slice(PREFIX.length);
      }
    },
  };
}

async function createOrUpdate(client: Client, schedule: ScheduleRecord): Promise<void> {
  const definition = definitionOf(schedule);
  try {
    await client.schedule.create({ scheduleId: PREFIX + schedule.id, ...definition });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(PREFIX + schedule.id).update(() => definition);
  }
}

function definitionOf(
  schedule: ScheduleRecord,
): Omit<ScheduleOptions, 'scheduleId'> & { state: { paused: boolean; note?: string } } {
  const { id, revision, tenant, name, cron, everySeconds, timeZone, note } = schedule;
  const input: SubmissionInput = { schedule: { id, revision } };
  return {
    spec:
      cron === null
        ? { intervals: [{ every: (everySeconds ?? 0) * 1_000 }] }
        : { cronExpressions: [cron], timezone: timeZone },
    action: {
      type: 'startWorkflow',
      workflowType: 'submissionWorkflow',
      // Temporal adds the time of the firing.
      workflowId: `schedule/${id}`,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      staticSummary: name,
      typedSearchAttributes: [{ key: tenantKey, value: tenant }],
    },
    policies: {
      overlap: OVERLAP[schedule.overlap],
      catchupWindow: schedule.catchupSeconds * 1_000,
    },
    state: { paused: schedule.paused, ...(note === null ? {} : { note }) },
  };
}

function mirrored({ action, state, info }: ScheduleDescription): MirroredSchedule {
  const [input] = (action.args ?? []) as readonly { schedule?: { revision?: unknown } }[];
  const revision = input?.schedule?.revision;
  return {
    revision: typeof revision === 'number' ? revision : null,
    paused: state.paused,
    next: state.paused ? [] : info.nextActionTimes.map((time) => time.toISOString()),
    skippedByOverlap: info.numActionsSkippedOverlap,
    missedCatchup: info.numActionsMissedCatchupWindow,
  };
}

async function unlessAbsent<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

async function refusedOr<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    // How the client passes on that the server finds the specification invalid.
    if (error instanceof TypeError) throw new ScheduleRefused(error.message, { cause: error });
    throw error;
  }
}
