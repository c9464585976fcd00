import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type DashClient } from '../../src/contract/client.ts';
import { createDatabase, type Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { startChild, type Child } from '../../src/local/child.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { startGuard } from '../../src/local/guard.ts';
import { startPostgresServer } from '../../src/local/postgres-server.ts';
import { createProgress } from '../../src/local/progress.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer } from '../../src/local/temporal-server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';
import { createTemporalClient, type TemporalClient } from '../../src/temporal/connect.ts';

const root = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'default';
const GATEWAYS = 10;
const LANES = 4;
export const BARE_QUEUE = 'bench-bare';

/** Everything that is measured, each part a process of its own on this machine. */
export interface Ground {
  readonly api: DashClient;
  readonly db: Database;
  readonly temporal: TemporalClient;
  readonly metricsPort: number;
  /** What the ledger reads the CPU of. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  close(): Promise<void>;
}

/** Starts PostgreSQL, Temporal, api, control worker, gateway host, the gateways and the bare worker. */
export async function startGround(env: NodeJS.ProcessEnv): Promise<Ground> {
  const clock = systemClock();
  const dir = mkdtempSync(join(tmpdir(), 'dash-bench-'));
  // Open to the account that PostgreSQL runs as when this runs as root.
  chmodSync(dir, 0o755);
  const home = { recordsDir: join(dir, 'processes'), launchId: randomBytes(8).toString('hex') };
  const guard = await startGuard({ home, logFile: join(dir, 'guard.log'), env });
  const progress = createProgress({ stream: process.stderr, clock, color: false });
  const ends: (() => Promise<void>)[] = [
    async () => rmSync(dir, { recursive: true, force: true }),
    () => guard.dismiss(),
  ];
  const close = async (): Promise<void> => {
    for (const end of ends.reverse()) await end();
  };
  try {
    const place = { env, home, clock, progress };
    const postgres = await startPostgresServer({
      ...place,
      clusterDir: join(dir, 'postgres'),
      outsideDir: join(dir, 'outside'),
      logFile: join(dir, 'postgres.log'),
      settings: {
        shared_preload_libraries: 'pg_stat_statements',
        'pg_stat_statements.track': 'top',
      },
    });
    ends.push(() => postgres.stop());
    const metricsPort = (await choosePort({ what: 'metrics', say: () => undefined })).port;
    const binary = await ensureTemporalBinary({
      cacheDir: env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
      toolDir: join(root, 'tools', 'temporal'),
      env,
      progress,
    });
    const server = await startTemporalServer({
      ...place,
      binaryPath: binary.path,
      dataDir: join(dir, 'temporal'),
      storage: 'file',
      namespace: NAMESPACE,
      uiPort: false,
      metricsPort,
    });
    ends.push(() => server.stop());
    const log = { info: () => undefined, warn: () => undefined };
    const db = createDatabase({ url: postgres.url, applicationName: 'bench', log });
    ends.push(() => db.close());
    await migrate({ url: postgres.url, log });
    await db.rows('create extension if not exists pg_stat_statements');
    const temporal = createTemporalClient({
      connection: { address: server.address },
      namespace: NAMESPACE,
    });
    ends.push(() => temporal.close());
    const shared = {
      PATH: env['PATH'] ?? '',
      HOME: dir,
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: server.address,
      DASH_DATA_DIR: join(dir, 'data'),
      DASH_SECRET_KEY: newSecretKey(),
      DASH_API_PORT: '0',
      DASH_LOG_LEVEL: 'info',
    };
    const start = async (name: string, path: string, args: string[], says: RegExp) => {
      const child = await startChild({
        what: name,
        command: process.execPath,
        args: [join(root, path), ...args],
        env: shared,
        logFile: join(dir, `${name}.log`),
        home,
        clock,
      });
      ends.push(() => child.stop({ graceMs: 20_000 }));
      const match = await said(join(dir, `${name}.log`), says, child);
      return { name, pid: child.pid, match };
    };
    const api = await start('api', 'api/main.ts', [], /"url":"([^"]+)"[^\n]*the API listens/);
    const control = await start('control worker', 'workers/control.ts', [], /worker is ready/);
    const host = await start('gateway host', 'workers/gateway-host.ts', [], /host is ready/);
    const bareArgs = [server.address, NAMESPACE, BARE_QUEUE];
    const bare = await start('bare worker', 'scripts/bench/bare-worker.ts', bareArgs, /is ready/);
    const fakes = await start(
      'fake gateways',
      'scripts/bench/fake-fleet.ts',
      [String(GATEWAYS), String(LANES)],
      /(\[.*\])/,
    );
    const keyFile = join(dir, 'data', 'admin-api-key');
    await until('the admin key', () => existsSync(keyFile));
    const client = createClient({
      baseUrl: api.match[1] ?? '',
      apiKey: readFileSync(keyFile, 'utf8').trim(),
      fetch,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      random: Math.random,
    });
    await openFleet(client, JSON.parse(fakes.match[1] ?? '[]') as FleetEntry[]);
    return {
      api: client,
      db,
      temporal,
      metricsPort,
      processes: [
        api,
        control,
        host,
        bare,
        fakes,
        { name: 'Temporal', pid: server.pid },
        { name: 'PostgreSQL', pid: postgres.pid },
        { name: 'this driver', pid: process.pid },
      ].map(({ name, pid }) => ({ name, pid })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface FleetEntry {
  readonly endpoint: string;
  readonly token: string;
}

async function openFleet(client: DashClient, fleet: readonly FleetEntry[]): Promise<void> {
  for (const [index, { endpoint, token }] of fleet.entries()) {
    await client.gateways.register({
      body: { kind: 'adopted', id: `fake-${index + 1}`, endpoint, token, lanes: LANES },
    });
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
