import { chmodSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type DashClient } from '../../src/contract/client.ts';
import { createDatabase, type Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { startPostgresServer, type PostgresServer } from '../../src/local/postgres-server.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal-server.ts';
import { createTemporalClient, type TemporalClient } from '../../src/temporal/connect.ts';
import { NAMESPACE, startPrograms } from './programs.ts';
import { Site } from './site.ts';
import { until } from './until.ts';

const root = join(import.meta.dirname, '..', '..');

export interface GroundOptions {
  readonly gateways: number;
  /** Of each gateway. */
  readonly lanes: number;
}

/** Everything that is measured, each part a process of its own on this machine. */
export interface Ground {
  readonly api: DashClient;
  readonly db: Database;
  readonly temporal: TemporalClient;
  /** Temporal's own metrics. */
  readonly metricsPort: number;
  /** Health and metrics of the gateway host. */
  readonly hostUrl: string;
  readonly gateways: readonly { readonly gatewayId: string; readonly wireLog: string }[];
  /** What the ledger reads the CPU of. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  close(): Promise<void>;
}

/** Starts PostgreSQL, Temporal, api, control worker, gateway host, the gateways and the bare worker. */
export async function startGround(env: NodeJS.ProcessEnv, options: GroundOptions): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  // Open to the account that PostgreSQL runs as when this runs as root.
  chmodSync(dir, 0o755);
  const site = new Site(dir, env);
  try {
    return await build(site, options);
  } catch (error) {
    await site.close();
    throw error;
  }
}

async function build(site: Site, { gateways, lanes }: GroundOptions): Promise<Ground> {
  await site.openGuard();
  const postgres = await startPostgres(site);
  const { server, metricsPort } = await startTemporal(site);
  const db = createDatabase({ url: postgres.url, applicationName: 'bench', log: quiet });
  site.onEnd(() => db.close());
  await migrate({ url: postgres.url, log: quiet });
  await db.rows('create extension if not exists pg_stat_statements');
  const connection = { address: server.address };
  const temporal = createTemporalClient({ connection, namespace: NAMESPACE });
  site.onEnd(() => temporal.close());
  const hostPort = (await choosePort({ what: 'the host', say: () => undefined })).port;
  const programs = await startPrograms(site, {
    databaseUrl: postgres.url,
    temporalAddress: server.address,
    hostPort,
    fleet: [String(gateways), String(lanes), site.dir],
  });
  const api = await connectApi(site, programs.api.match[1] ?? '');
  const fleet = JSON.parse(programs.fakes.match[1] ?? '[]') as FleetEntry[];
  await openFleet(api, fleet, lanes);
  return {
    api,
    db,
    temporal,
    metricsPort,
    hostUrl: `http://127.0.0.1:${hostPort}`,
    gateways: fleet.map(({ gatewayId, wireLog }) => ({ gatewayId, wireLog })),
    processes: [
      ...Object.values(programs).map(({ name, pid }) => ({ name, pid })),
      { name: 'Temporal', pid: server.pid },
      { name: 'PostgreSQL', pid: postgres.pid },
      { name: 'this driver', pid: process.pid },
    ],
    close: () => site.close(),
  };
}

const quiet = { info: () => undefined, warn: () => undefined };

async function startPostgres(site: Site): Promise<PostgresServer> {
  const { dir } = site;
  const server = await startPostgresServer({
    env: site.env,
    home: site.home,
    clock: site.clock,
    progress: site.progress,
    clusterDir: join(dir, 'postgres'),
    outsideDir: join(dir, 'outside'),
    logFile: join(dir, 'postgres.log'),
    settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'top' },
  });
  site.onEnd(() => server.stop());
  return server;
}

async function startTemporal(site: Site): Promise<{ server: TemporalServer; metricsPort: number }> {
  const { dir, env, home, clock, progress } = site;
  const metricsPort = (await choosePort({ what: 'metrics', say: () => undefined })).port;
  const binary = await ensureTemporalBinary({
    cacheDir: env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
    toolDir: join(root, 'tools', 'temporal'),
    env,
    progress,
  });
  const server = await startTemporalServer({
    env,
    home,
    clock,
    progress,
    binaryPath: binary.path,
    dataDir: join(dir, 'temporal'),
    storage: 'file',
    namespace: NAMESPACE,
    searchAttributes: SEARCH_ATTRIBUTES,
    uiPort: false,
    metricsPort,
  });
  site.onEnd(() => server.stop());
  return { server, metricsPort };
}

async function connectApi(site: Site, baseUrl: string): Promise<DashClient> {
  const keyFile = join(site.dir, 'data', 'admin-api-key');
  await until('the admin key', () => existsSync(keyFile));
  return createClient({
    baseUrl,
    apiKey: readFileSync(keyFile, 'utf8').trim(),
    fetch,
    sleep: (ms, signal) => site.clock.sleep(ms, signal),
    random: Math.random,
  });
}

interface FleetEntry {
  readonly gatewayId: string;
  readonly endpoint: string;
  readonly token: string;
  readonly wireLog: string;
}

async function openFleet(
  client: DashClient,
  fleet: readonly FleetEntry[],
  lanes: number,
): Promise<void> {
  for (const { gatewayId: id, endpoint, token } of fleet) {
    await client.gateways.register({ body: { kind: 'adopted', id, endpoint, token, lanes } });
  }
  await until('all gateways to be open', async () => {
    const { items } = await client.gateways.list({});
    return items.filter(({ state }) => state === 'open').length === fleet.length;
  });
}
