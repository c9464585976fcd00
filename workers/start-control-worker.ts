import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';
import { createBulkActivities } from '../activities/bulk.ts';
import { createChainControlActivities } from '../activities/dashboard-chain/chain-control.ts';
import { createGatewayControlActivities } from '../activities/gateway-control/gateway-control.ts';
import { createMaintenanceActivities } from '../activities/maintenance/maintenance.ts';
import { createMaintenanceTemporal } from '../activities/maintenance/temporal-port.ts';
import { createSubmissionActivities } from '../activities/submission/submission.ts';
import { createSwarmActivities } from '../activities/swarm.ts';
import { createTaskControlActivities } from '../activities/task-control/task-control.ts';
import type { Database } from '../src/db/database.ts';
import { CONTROL_QUEUE } from '../src/domain/names.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { TemporalConnection } from '../src/temporal/connect.ts';
import { createWorkflowMessages, type WorkflowMessages } from '../src/temporal/messages.ts';
import { ensureSchedules } from '../src/temporal/schedules.ts';
import { startPromoter } from './promoter.ts';
import { createSwarmNews } from './swarm-news.ts';
import { startSubmissionTeller } from './submission-teller.ts';
import { startSwarmReminder } from './swarm-reminder.ts';
import { runWorkers } from './run-workers.ts';

export interface ControlWorkerOptions {
  readonly db: Database;
  readonly temporal: TemporalConnection;
  /** A prebuilt bundle of `workflows/`; absent: it is built now, which takes a second or two. */
  readonly workflowBundle?: string;
  readonly holdTimeoutMs: number;
  readonly runHeartbeatTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Temporal has ended its worker for good: the process is to end. */
  readonly onFatal: (error: Error) => void;
  /** Default 60 s. */
  readonly reconcileEveryMs?: number;
  /** Younger mismatches are left alone. Default 60. */
  readonly reconcileOlderThanSeconds?: number;
  /** 0 makes every workflow task replay from the start: the cheapest detector of nondeterminism. */
  readonly maxCachedWorkflows?: number;
}

export interface ControlWorker {
  close(): Promise<void>;
}

const SIGNAL_TIMEOUT_MS = 5_000;

/**
 * Starts a control worker: every workflow, and the activities that touch only PostgreSQL and Temporal; plus the
 * promoter of due tasks. Any number may run. Throws when Temporal cannot be reached at the start.
 */
export async function startControlWorker(options: ControlWorkerOptions): Promise<ControlWorker> {
  const { db, temporal, clock, log, onFatal, reconcileEveryMs, maxCachedWorkflows } = options;
  const { client } = temporal;
  const messages = createWorkflowMessages({ client, timeoutMs: SIGNAL_TIMEOUT_MS });
  const worker = {
    connection: temporal.native,
    namespace: temporal.namespace,
    taskQueue: CONTROL_QUEUE,
    ...workflowsOf(options),
    activities: activitiesOf(options, messages),
    ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
    // A killed worker's workflows move to the others after this, instead of the default ten seconds.
    stickyQueueScheduleToStartTimeout: '2s' as const,
    shutdownGraceTime: '10s' as const,
  };
  const running = await runWorkers({ workers: [worker], onFatal });
  try {
    await ensureSchedules({
      client,
      ...(reconcileEveryMs === undefined ? {} : { everyMs: reconcileEveryMs }),
    });
  } catch (error) {
    await running.close();
    throw error;
  }
  const promoter = startPromoter({ db, clock, log, signals: messages });
  const reminder = startSwarmReminder({ db, clock, log, messages });
  const teller = startSubmissionTeller({ db, clock, log, messages });
  log.info({}, 'the control worker is ready');
  return {
    async close() {
      await Promise.all([promoter.close(), reminder.close(), teller.close()]);
      await running.close();
    },
  };
}

function activitiesOf(options: ControlWorkerOptions, messages: WorkflowMessages): object {
  const { db, clock, log, temporal, runHeartbeatTimeoutMs, reconcileOlderThanSeconds } = options;
  const swarmNews = createSwarmNews(messages, log);
  const signalTaskCancel = (workflowId: string): Promise<void> =>
    messages.signalTaskCancel(workflowId);
  return {
    ...createTaskControlActivities({ db, swarmNews }),
    ...createBulkActivities({ db, clock }),
    ...createGatewayControlActivities({ db, holdTimeoutMs: options.holdTimeoutMs }),
    ...createChainControlActivities({ db, clock, messages }),
    ...createSwarmActivities({ db, clock, signalTaskCancel }),
    ...createSubmissionActivities({ db, messages }),
    ...createMaintenanceActivities({
      db,
      clock,
      ...(reconcileOlderThanSeconds === undefined
        ? {}
        : { olderThanSeconds: reconcileOlderThanSeconds }),
      temporal: createMaintenanceTemporal({
        client: temporal.client,
        messages,
        clock,
        runHeartbeatTimeoutMs,
      }),
    }),
  };
}

function workflowsOf(
  options: ControlWorkerOptions,
): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  if (options.workflowBundle !== undefined) {
    return { workflowBundle: { codePath: options.workflowBundle } };
  }
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
  return {
    workflowsPath: fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url)),
  };
}
