import { Registry } from 'prom-client';
import type { DashConfig } from '../src/config/load.ts';
import { configOrExit } from '../src/config/process-config.ts';
import { createDatabase, type Database } from '../src/db/database.ts';
import { systemClock, type Clock } from '../src/platform/clock.ts';
import { runProcess, type Lifecycle } from '../src/platform/lifecycle.ts';
import { createLogger, type Logger } from '../src/platform/logger.ts';
import { connectTemporal, type TemporalConnection } from '../src/temporal/connect.ts';
import { installTemporalRuntime } from '../src/temporal/runtime.ts';
import { startStatusServer } from './status-server.ts';
import { untilStarted } from './until-started.ts';

/** What a worker process has at hand when it starts its part of Dash. */
export interface WorkerProcess {
  readonly config: DashConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** Ends the process in order, with exit code 1 and this error in the log. */
  readonly fail: (error: Error) => void;
  readonly db: Database;
  readonly temporal: TemporalConnection;
  /** What this process observes goes in here; served with its health when DASH_WORKER_PORT is set. */
  readonly registry: Registry;
}

const RETRY_MS = 2_000;

/**
 * Runs one worker as a process of its own: settings from the environment and dash.yaml, logs on standard output. Waits
 * for PostgreSQL (migrated) and Temporal instead of failing, because both may start later than this. A wrong setting
 * ends it with exit code 78 and a sentence.
 */
export async function runWorkerProcess(
  name: string,
  endWithinMs: (config: DashConfig) => number,
  start: (worker: WorkerProcess) => Promise<void>,
): Promise<void> {
  const config = configOrExit();
  const log = createLogger({ level: config.logLevel, name });
  const clock = systemClock();
  installTemporalRuntime(log);
  await runProcess({
    log,
    clock,
    process,
    deadlineMs: endWithinMs(config),
    start: async (lifecycle, fail) => {
      const registry = new Registry();
      const status = await tellStatus({ config, log, lifecycle, registry });
      const { url, maxConnections } = config.database;
      if (url === undefined) {
        throw new Error(
          'This process needs PostgreSQL: set DATABASE_URL (postgres://…), or run everything on this machine with `dashctl up`.',
        );
      }
      const db = createDatabase({ url, applicationName: `dash ${name}`, maxConnections, log });
      lifecycle.onEnd('the database connections', () => db.close());
      const wait = { clock, log, lifecycle };
      await untilThere('PostgreSQL, migrated by `dashctl migrate`', wait, () =>
        db.rows('select 1 from dash.installation'),
      );
      const temporal = await untilThere('Temporal', wait, () => connectTemporal(config.temporal));
      if (temporal === null) return;
      lifecycle.onEnd('the Temporal connection', () => temporal.close());
      const begin = async (): Promise<void> => {
        // What a start that failed had registered is registered anew.
        registry.clear();
        await start({ config, clock, log, lifecycle, fail, db, temporal, registry });
      };
      await untilStarted({ start: begin, clock, log, ending: lifecycle.ending });
      if (lifecycle.ending.aborted) return;
      status.isReady = true;
    },
  });
}

/** Serves health and metrics from the first moment on, where a port is set for them. */
async function tellStatus(
  worker: Pick<WorkerProcess, 'config' | 'log' | 'lifecycle' | 'registry'>,
): Promise<{ isReady: boolean }> {
  const { config, log, lifecycle, registry } = worker;
  const status = { isReady: false };
  const { host, port } = config.worker;
  if (port === undefined) return status;
  const isReady = (): boolean => status.isReady && !lifecycle.ending.aborted;
  const server = await startStatusServer({ host, port, registry, isReady });
  lifecycle.onEnd('the status server', () => server.close());
  log.info({ host, port: server.port }, 'health and metrics are served');
  return status;
}

/** Tries until it works; null when the process is told to end first. */
async function untilThere<T>(
  what: string,
  { clock, log, lifecycle }: Pick<WorkerProcess, 'clock' | 'log' | 'lifecycle'>,
  attempt: () => Promise<T>,
): Promise<T | null> {
  while (!lifecycle.ending.aborted) {
    try {
      return await attempt();
    } catch (error) {
      log.warn({ err: error }, `waits for ${what}`);
      await clock.sleep(RETRY_MS, lifecycle.ending);
    }
  }
  return null;
}
