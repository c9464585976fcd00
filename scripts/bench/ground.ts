import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient, type DashClient } from '../../src/contract/client.ts';
import { createDatabase, type Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { startChild, type Child, type ProcessHome } from '../../src/local/child.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { startGuard } from '../../src/local/guard.ts';
import { startPostgresServer, type PostgresServer } from '../../src/local/postgres-server.ts';
import { createProgress, type Progress } from '../../src/local/progress.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal-server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';
import { createTemporalClient, type TemporalClient } from '../../src/temporal/connect.ts';

const root = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'default';
export const BARE_QUEUE = 'bench-bare';

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

/** A directory, and everything that lives in it until `close`. */
class Site {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock = systemClock();
  readonly home: ProcessHome;
  readonly progress: Progress;
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.env = env;
    this.home = {
      recordsDir: join(dir, 'processes'),
      launchId: randomBytes(8).toString('hex'),
    };
    this.progress = createProgress({ stream: process.stderr, clock: this.clock, color: false });
    this.onEnd(async () => rmSync(dir, { recursive: true, force: true }));
  }

  onEnd(end: () => Promise<void>): void {
    this.#ends.unshift(end);
  }

  async openGuard(): Promise<void> {
    const { home, dir, env } = this;
    const guard = await startGuard({ home, logFile: join(dir, 'guard.log'), env });
    this.onEnd(() => guard.dismiss());
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }
}

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

interface Program {
  readonly name: string;
  readonly pid: number;
  readonly match: RegExpExecArray;
}

interface ProgramOptions {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly hostPort: number;
  /** Arguments of `fake-fleet.ts`. */
  readonly fleet: readonly string[];
}

async function startPrograms(
  site: Site,
  { databaseUrl, temporalAddress, hostPort, fleet }: ProgramOptions,
): Promise<Record<'api' | 'control' | 'host' | 'bare' | 'fakes', Program>> {
  const env = {
    PATH: site.env['PATH'] ?? '',
    HOME: site.dir,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    // As in production: a worker that bundles by itself keeps the memory of that for good.
    DASH_WORKFLOW_BUNDLE: await buildBundle(site),
    DASH_DATA_DIR: join(site.dir, 'data'),
    DASH_SECRET_KEY: newSecretKey(),
    DASH_API_PORT: '0',
    DASH_LOG_LEVEL: 'info',
  };
  const start = async (
    name: string,
    path: string,
    says: RegExp,
    args: readonly string[] = [],
    own: NodeJS.ProcessEnv = {},
  ): Promise<Program> => {
    const logFile = join(site.dir, `${name}.log`);
    const child = await startChild({
      what: name,
      command: process.execPath,
      args: [join(root, path), ...args],
      env: { ...env, ...own },
      logFile,
      home: site.home,
      clock: site.clock,
    });
    site.onEnd(() => child.stop({ graceMs: 20_000 }));
    return { name, pid: child.pid, match: await said(logFile, says, child) };
  };
  const bareArgs = [temporalAddress, NAMESPACE, BARE_QUEUE];
  return {
    api: await start('api', 'api/main.ts', /"url":"([^"]+)"[^\n]*the API listens/),
    control: await start('control worker', 'workers/control.ts', /worker is ready/),
    host: await start('gateway host', 'workers/gateway-host.ts', /host is ready/, [], {
      DASH_WORKER_PORT: String(hostPort),
    }),
    bare: await start('bare worker', 'scripts/bench/bare-worker.ts', /is ready/, bareArgs),
    fakes: await start('fake gateways', 'scripts/bench/fake-fleet.ts', /(\[.*\])/, fleet),
  };
}

async function buildBundle({ dir }: Site): Promise<string> {
  const path = join(dir, 'workflow-bundle.js');
  const bundler = join(root, 'scripts', 'build-workflow-bundle.ts');
  await promisify(execFile)(process.execPath, [bundler, path]);
  return path;
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

/** Waits until the program has said what the pattern names. Throws with the end of its log when it does not. */
async function said(logFile: string, pattern: RegExp, child: Child): Promise<RegExpExecArray> {
  const state: { match: RegExpExecArray | null } = { match: null };
  await until(`${child.what} to be ready`, () => {
    state.match = existsSync(logFile) ? pattern.exec(readFileSync(logFile, 'utf8')) : null;
    return state.match !== null;
  }).catch((cause: unknown) => {
    throw new Error(`${child.what} is not ready. It said:\n${child.logTail(20)}`, { cause });
  });
  if (state.match === null) throw new Error(`${child.what} is not ready`);
  return state.match;
}

async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`waited a minute for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
