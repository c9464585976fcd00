/**
 * Dash itself in this process: api, control worker and gateway host, each as if it were a process of
 * its own. They share configuration and the metrics page, nothing else: each has its own connections.
 */
import { Registry } from 'prom-client';
import type { ManagedProcesses } from '../../activities/hold-gateway/ports.ts';
import { startApi, type Api, type ApiOptions } from '../../api/start-api.ts';
import { ensureAdminKey } from '../../src/auth/admin-key.ts';
import { parseRegionWeights } from '../../src/domain/region-weights.ts';
import { ensureHostId, ensureSecretKey } from '../../src/config/data-files.ts';
import { createDatabase, type Database } from '../../src/db/database.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { systemErrorCode } from '../../src/local/local-error.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import {
  connectTemporal,
  createTemporalClient,
  type TemporalConnection,
} from '../../src/temporal/connect.ts';
import { createWorkflowMessages } from '../../src/temporal/messages.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { startControlWorker } from '../../workers/start-control-worker.ts';
import { startGatewayHost } from '../../workers/start-gateway-host.ts';
import { getGateway } from '../../src/db/gateway-store.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { adminKeyFile } from '../local-instance.ts';
import { LOCAL_GATEWAY_ID } from './local-gateway.ts';
import { migrateDatabase } from './migrate-database.ts';
import type { Services } from './services.ts';
import type { UpContext } from './up-context.ts';

const TEMPORAL_CALL_MS = 5_000;
const PORT_ATTEMPTS = 3;

export interface Dash {
  readonly apiUrl: string;
  readonly keyFile: string;
  /** The last boot of the local gateway before this start; null: there was none. */
  readonly earlierBootId: string | null;
}

/** Brings the schema up to date and starts the three, the API last: it answers when the others can work. */
export async function startDash(
  up: UpContext,
  services: Services,
  options: { version: string; managed: ManagedProcesses },
): Promise<Dash> {
  const step = up.progress.step('Starting Dash');
  try {
    step.note('bringing the database up to date');
    await migrateDatabase(services.databaseUrl, up.progress.line);
    installTemporalRuntime(up.log.child({ part: 'temporal' }));
    step.note('control worker');
    await startControl(up, services);
    step.note('gateway host');
    const metrics = createMetrics({ registry: new Registry() });
    const { earlierBootId } = await startHost(up, services, {
      metrics,
      managed: options.managed,
    });
    step.note('api');
    const api = await startApiProcess(up, services, { metrics, version: options.version });
    step.done(`Dash, its API at ${api.apiUrl}`);
    return { ...api, earlierBootId };
  } catch (error) {
    step.fail('Dash did not start');
    throw error;
  }
}

async function startControl(up: UpContext, services: Services): Promise<void> {
  const { config, clock } = up;
  const log = up.log.child({ part: 'control worker' });
  const db = openDatabase(up, services, 'dash control worker', log);
  const temporal = await openTemporal(up, services, 'the control worker');
  const { workflowBundle } = config;
  const worker = await startControlWorker({
    db,
    temporal,
    clock,
    log,
    onFatal: (error) => up.fail(workerEnded(error)),
    holdTimeoutMs: config.hold.timeoutMs,
    runHeartbeatTimeoutMs: config.run.timeoutMs,
    ...(workflowBundle === undefined ? {} : { workflowBundle }),
  });
  up.onEnd('the control worker', () => worker.close());
}

async function startHost(
  up: UpContext,
  services: Services,
  parts: { metrics: Metrics; managed: ManagedProcesses },
): Promise<Pick<Dash, 'earlierBootId'>> {
  const { config, clock } = up;
  const log = up.log.child({ part: 'gateway host' });
  const db = openDatabase(up, services, 'dash gateway host', log);
  const temporal = await openTemporal(up, services, 'the gateway host');
  const gateway = await getGateway(db, LOCAL_GATEWAY_ID);
  const host = await startGatewayHost({
    ...parts,
    db,
    temporal,
    clock,
    log,
    hostId: ensureHostId(config),
    maxGateways: config.host.maxGateways,
    secretKey: ensureSecretKey(config),
    onFatal: (error) => up.fail(workerEnded(error)),
    hold: config.hold,
    regionWeights: parseRegionWeights(config.host.regionWeights),
    run: config.run,
  });
  // What takes longer must not use up the time of those that are to end after it.
  const withinMs = config.host.handOverGraceMs;
  up.onEnd('the gateway host', () => host.close(), { withinMs });
  return { earlierBootId: gateway?.bootId ?? null };
}

function workerEnded(error: Error): CliError {
  return new CliError({
    exitCode: EXIT.failed,
    code: 'service-ended',
    message: error.message,
    hint: 'Nothing that was accepted is lost: start again, and the work goes on.',
    cause: error,
  });
}

async function startApiProcess(
  up: UpContext,
  services: Services,
  parts: { metrics: Metrics; version: string },
): Promise<Omit<Dash, 'earlierBootId'>> {
  const { config, clock } = up;
  const log = up.log.child({ part: 'api' });
  const db = openDatabase(up, services, 'dash api', log);
  const keyFile = adminKeyFile(config.dataDir);
  await ensureAdminKey(db, keyFile);
  const temporal = createTemporalClient(services.temporal);
  up.onEnd('the connection of the api to Temporal', () => temporal.close());
  const api = await startOnFreePort(up, {
    ...parts,
    db,
    messages: createWorkflowMessages({ client: temporal.client, timeoutMs: TEMPORAL_CALL_MS }),
    clock,
    log,
    host: config.api.host,
    secretKey: ensureSecretKey(config),
  });
  up.onEnd('the api', () => api.close());
  return { apiUrl: api.url, keyFile };
}

/** Another program may take the port between the choice and the start; then the choice is made again. */
async function startOnFreePort(up: UpContext, options: Omit<ApiOptions, 'port'>): Promise<Api> {
  const wanted = up.config.api.port;
  for (let attempt = 1; ; attempt += 1) {
    const { port } = await choosePort({ what: 'the API', wanted, say: up.progress.line });
    try {
      return await startApi({ ...options, port });
    } catch (error) {
      const isTaken = error instanceof Error && systemErrorCode(error.cause) === 'EADDRINUSE';
      if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function openDatabase(
  up: UpContext,
  services: Services,
  applicationName: string,
  log: Logger,
): Database {
  const { maxConnections } = up.config.database;
  const db = createDatabase({ url: services.databaseUrl, applicationName, maxConnections, log });
  up.onEnd(`the connections of ${applicationName}`, () => db.close());
  return db;
}

async function openTemporal(
  up: UpContext,
  services: Services,
  whose: string,
): Promise<TemporalConnection> {
  const temporal = await connectTemporal(services.temporal);
  up.onEnd(`the connection of ${whose} to Temporal`, () => temporal.close());
  return temporal;
}
