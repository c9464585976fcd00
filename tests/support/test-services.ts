/**
 * The services that integration and e2e tests run against: one PostgreSQL and one in-memory Temporal
 * dev server for a whole run of jest, or those that DATABASE_URL and TEMPORAL_ADDRESS name.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import type { ProcessHome } from '../../src/local/child.ts';
import { startGuard } from '../../src/local/guard.ts';
import { startPostgresServer } from '../../src/local/postgres-server.ts';
import { createProgress, silentProgress, type Progress } from '../../src/local/progress.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer } from '../../src/local/temporal-server.ts';
import { systemClock } from '../../src/platform/clock.ts';

const root = join(import.meta.dirname, '..', '..');
const OLDEST_POSTGRES = 170_000;

/** Speed instead of durability: a test database that is lost with the machine is no loss. */
const TEST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  wal_level: 'minimal',
  max_wal_senders: '0',
};

export interface TestServices {
  /** The maintenance database of a superuser that may create databases. */
  readonly postgresUrl: string;
  readonly temporalAddress: string;
  /** The program, for tests that start servers of their own; undefined when TEMPORAL_ADDRESS is used. */
  readonly temporalBinary: string | undefined;
  /** What processes of this run are marked with: the guard ends them when jest dies, or forgets them. */
  readonly launchId: string;
  /** Of this run; removed at its end. */
  readonly dir: string;
  stop(): Promise<void>;
}

/** Starts what the environment does not name. An interrupted run ends its services too: they are under a guard. */
export async function startTestServices(env: NodeJS.ProcessEnv): Promise<TestServices> {
  const clock = systemClock();
  // Open to the account that PostgreSQL runs as when the tests run as root.
  const dir = mkdtempSync(join(tmpdir(), 'dash-test-'));
  chmodSync(dir, 0o755);
  const home = { recordsDir: join(dir, 'processes'), launchId: randomBytes(8).toString('hex') };
  const guard = await startGuard({ home, logFile: join(dir, 'guard.log'), env });
  const progress =
    env['CI'] === 'true' || !process.stderr.isTTY
      ? silentProgress()
      : createProgress({ stream: process.stderr, clock, color: false });
  const started: Stoppable[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((service) => service.stop()));
    await guard.dismiss();
    rmSync(dir, { recursive: true, force: true });
  };
  const keep = async <T extends Stoppable>(starting: Promise<T>): Promise<T> => {
    const service = await starting;
    started.push(service);
    return service;
  };
  try {
    const place = { env, dir, home, progress };
    const starting = [keep(postgresFor(place)), keep(temporalFor(place))] as const;
    // When one fails, the other is waited for, so that it can be ended.
    await Promise.allSettled(starting);
    const [postgres, temporal] = await Promise.all(starting);
    await prepareTemplate(postgres.url);
    return {
      postgresUrl: postgres.url,
      temporalAddress: temporal.address,
      temporalBinary: temporal.binary,
      launchId: home.launchId,
      dir,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Place {
  readonly env: NodeJS.ProcessEnv;
  readonly dir: string;
  readonly home: ProcessHome;
  readonly progress: Progress;
}

interface Stoppable {
  stop(): Promise<void>;
}

async function postgresFor(place: Place): Promise<Stoppable & { url: string }> {
  const given = place.env['DATABASE_URL'];
  if (given !== undefined && given !== '') {
    await refuseOldPostgres(given);
    return { url: given, stop: async () => undefined };
  }
  return startPostgresServer({
    ...place,
    clusterDir: join(place.dir, 'postgres'),
    outsideDir: join(place.dir, 'outside'),
    logFile: join(place.dir, 'postgres.log'),
    clock: systemClock(),
    settings: TEST_SETTINGS,
  });
}

async function refuseOldPostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ v: number }>(
    `select current_setting('server_version_num')::int as v`,
  );
  await client.end();
  const reason = whyTooOld(rows[0]?.v ?? 0);
  if (reason !== undefined) throw new Error(reason);
}

/** Why a PostgreSQL of this `server_version_num` is refused, or undefined when it will do (P4). */
export function whyTooOld(version: number): string | undefined {
  if (version >= OLDEST_POSTGRES) return undefined;
  return (
    `DATABASE_URL names a PostgreSQL ${Math.floor(version / 10_000)}, and Dash needs 17 or newer (transaction_timeout). ` +
    'Name a newer server, or unset DATABASE_URL to use the embedded one.'
  );
}

async function temporalFor(
  place: Place,
): Promise<Stoppable & { address: string; binary: string | undefined }> {
  const given = place.env['TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') {
    return { address: given, binary: undefined, stop: async () => undefined };
  }
  const binary = await ensureTemporalBinary({
    ...place,
    cacheDir: place.env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
    toolDir: join(root, 'tools', 'temporal'),
  });
  const server = await startTemporalServer({
    ...place,
    binaryPath: binary.path,
    dataDir: join(place.dir, 'temporal'),
    storage: 'memory',
    namespace: 'default',
    searchAttributes: SEARCH_ATTRIBUTES,
    uiPort: false,
    clock: systemClock(),
  });
  return { address: server.address, binary: binary.path, stop: server.stop };
}

/** The schema is laid out once, in a template that test files clone: tests/support/template-database.ts. */
async function prepareTemplate(postgresUrl: string): Promise<void> {
  const path = join(import.meta.dirname, 'template-database.ts');
  if (!existsSync(path)) return;
  const module = (await import(path)) as {
    prepareTemplateDatabase: (url: string) => Promise<void>;
  };
  await module.prepareTemplateDatabase(postgresUrl);
}
