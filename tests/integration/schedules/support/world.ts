import {
  startControlWorker,
  type ControlWorker,
} from '../../../../workers/start-control-worker.ts';
import { scheduleFirings, type ScheduleFiring } from '../../../../src/db/schedule-store.ts';
import type { CreateSchedule } from '../../../../src/contract/schedules.ts';
import { listTasks } from '../../../../src/db/task-store.ts';
import type { TaskSummary } from '../../../../src/db/task-record.ts';
import { systemClock } from '../../../../src/platform/clock.ts';
import { createLogger } from '../../../../src/platform/logger.ts';
import { connectTemporal } from '../../../../src/temporal/connect.ts';
import { startTestDash, TEST_HOLD, TEST_RUN, type TestDash } from '../../../support/dash.ts';
import { startTestApi, type TestApi } from '../../../support/test-api.ts';

/** An API and two control workers on one database and one Temporal. */
export interface ScheduleWorld {
  readonly dash: TestDash;
  readonly api: TestApi;
  create(schedule: Partial<CreateSchedule>): Promise<string>;
  /** Oldest first. */
  firings(scheduleId: string): Promise<ScheduleFiring[]>;
  /** Oldest first. */
  tasks(scheduleId: string): Promise<TaskSummary[]>;
  remove(scheduleId: string): Promise<void>;
  close(): Promise<void>;
}

const bundle = process.env['DASH_TEST_WORKFLOW_BUNDLE'];

export async function startScheduleWorld(
  options: Parameters<typeof startTestDash>[0],
): Promise<ScheduleWorld> {
  const dash = await startTestDash(options);
  const { db } = dash.database;
  const temporal = await connectTemporal({
    connection: {
      address: options?.temporalAddress ?? process.env['DASH_TEST_TEMPORAL_ADDRESS'] ?? '',
    },
    namespace: dash.temporal.namespace,
  });
  const second: ControlWorker = await startControlWorker({
    db: dash.database.connect('second control worker', 10),
    temporal,
    holdTimeoutMs: TEST_HOLD.timeoutMs,
    runHeartbeatTimeoutMs: TEST_RUN.timeoutMs,
    clock: systemClock(),
    log: createLogger({ level: 'error', name: 'second' }),
    onFatal: () => undefined,
    ...(bundle === undefined ? {} : { workflowBundle: bundle }),
    ...(options?.reconcileEveryMs === undefined
      ? {}
      : { reconcileEveryMs: options.reconcileEveryMs }),
  });
  const api = await startTestApi({ db, temporal: dash.messages });
  return {
    dash,
    api,
    async create(schedule) {
      const timed = schedule.cron !== undefined || schedule.everySeconds !== undefined;
      const answer = await api.client.schedules.create({
        body: {
          name: 'test',
          ...(schedule.swarm === undefined ? { task: { prompt: 'work [[say:x]]' } } : {}),
          ...(timed ? {} : { everySeconds: 1 }),
          ...schedule,
        },
      });
      return answer.schedule.id;
    },
    firings: async (scheduleId) =>
      (await scheduleFirings(db, { scheduleId, limit: 1_000 })).toReversed(),
    tasks: async (scheduleId) =>
      (await listTasks(db, { filter: { scheduleId }, limit: 200 })).toReversed(),
    async remove(scheduleId) {
      await api.client.schedules.remove({ params: { scheduleId } });
    },
    async close() {
      await api.close();
      await second.close();
      await temporal.close();
      await dash.close();
    },
  };
}
