import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { ensureAdminKey } from '../src/auth/admin-key.ts';
import { ensureSecretKey } from '../src/config/data-files.ts';
import type { DashConfig } from '../src/config/load.ts';
import { configOrExit } from '../src/config/process-config.ts';
import { projectDir } from '../src/config/project-dir.ts';
import { createDatabase, type Database } from '../src/db/database.ts';
import { systemClock, type Clock } from '../src/platform/clock.ts';
import { runProcess, type Lifecycle } from '../src/platform/lifecycle.ts';
import { createLogger, type Logger } from '../src/platform/logger.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { createTemporalClient } from '../src/temporal/connect.ts';
import { createWorkflowMessages } from '../src/temporal/messages.ts';
import { startApi } from './start-api.ts';

/** The api as a process of its own: settings from the environment and dash.yaml, logs on standard output. */

const END_WITHIN_MS = 15_000;
const TEMPORAL_CALL_MS = 5_000;
const ADMIN_KEY_RETRY_MS = 2_000;

const config = configOrExit();
const log = createLogger({ level: config.logLevel, name: 'api' });
const clock = systemClock();
await runProcess({
  log,
  clock,
  deadlineMs: END_WITHIN_MS,
  process,
  start: (lifecycle) => start({ config, clock, log, lifecycle }),
});

interface Surroundings {
  readonly config: DashConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
}

async function start({ config, clock, log, lifecycle }: Surroundings): Promise<void> {
  const { url, maxConnections } = config.database;
  if (url === undefined) {
    throw new Error(
      'The api needs PostgreSQL: set DATABASE_URL (postgres://…), or run everything on this machine with `dashctl up`.',
    );
  }
  const db = createDatabase({ url, applicationName: 'dash api', maxConnections, log });
  lifecycle.onEnd('the database connections', () => db.close());
  const temporal = createTemporalClient(config.temporal);
  lifecycle.onEnd('the Temporal connection', () => temporal.close());
  const api = await startApi({
    db,
    messages: createWorkflowMessages({ client: temporal.client, timeoutMs: TEMPORAL_CALL_MS }),
    metrics: createMetrics({ registry: new Registry() }),
    clock,
    log,
    host: config.api.host,
    port: config.api.port,
    secretKey: ensureSecretKey(config),
    version: readVersion(),
  });
  lifecycle.onEnd('the api', () => api.close());
  await provideAdminKey({ config, clock, log, lifecycle }, db);
}

/** Until PostgreSQL is there and migrated this is repeated; the api answers 503 in the meantime. */
async function provideAdminKey(
  { config, clock, log, lifecycle }: Surroundings,
  db: Database,
): Promise<void> {
  const filePath = join(config.dataDir, 'admin-api-key');
  while (!lifecycle.ending.aborted) {
    try {
      const { keyId, created } = await ensureAdminKey(db, filePath);
      log.info({ keyId, created, filePath }, 'the admin key stands in its file');
      return;
    } catch (error) {
      log.warn({ err: error }, 'the admin key cannot be entered into the database yet');
      await clock.sleep(ADMIN_KEY_RETRY_MS, lifecycle.ending);
    }
  }
}

function readVersion(): string {
  const text = readFileSync(join(projectDir(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
