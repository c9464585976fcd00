/**
 * The data directory ("cluster") of the embedded PostgreSQL: where it lies, whose it is, and its
 * making. A cluster is made beside its place and moved there whole, so an interrupted first start
 * leaves nothing half made; one that exists is never made again and never removed.
 */
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ProcessHome } from './child.ts';
import { explainFileError, LocalError } from './local-error.ts';
import { canReach, postgresAccount, reachablePrograms, type Account } from './postgres-account.ts';
import { postgresPackage } from './postgres-package.ts';
import { LAUNCH_MARK } from '../platform/processes.ts';
import type { Progress } from './progress.ts';
import { runCommand } from './run-command.ts';

export interface ClusterOptions {
  /** The wish; made by the first start. */
  readonly clusterDir: string;
  /**
   * Where root's server keeps its data when its account cannot reach the wish: below a directory open
   * to all. Copies of the programs go beside it, where other data directories share them.
   */
  readonly outsideDir: string;
  readonly home: ProcessHome;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
}

export interface Cluster {
  readonly dir: string;
  /** Holds `bin/postgres`. */
  readonly programsDir: string;
  /** Whom the programs must run as; undefined = the current user. */
  readonly account: Account | undefined;
}

export const SUPERUSER = 'dash';
const INITDB_TIMEOUT_MS = 60_000;

/** Answers a cluster of the right version that its account can reach, made if there was none. */
export async function ensureCluster(options: ClusterOptions): Promise<Cluster> {
  const installed = await postgresPackage();
  const isRoot = process.getuid?.() === 0;
  const account = isRoot ? await accountFor(options) : undefined;
  const dir = placeCluster(options, account);
  const programsDir = reachablePrograms({
    ...installed,
    account,
    copiesDir: dirname(options.outsideDir),
  });
  const cluster = { dir, programsDir, account };
  if (exists(dir)) refuseOtherVersion(dir, installed.major);
  else await makeCluster(options, cluster);
  return cluster;
}

/** The password of the superuser, made with the cluster and kept beside it, readable by its owner alone. */
export function readPassword(dir: string): string {
  try {
    return readFileSync(passwordFile(dir), 'utf8').trim();
  } catch (error) {
    throw new LocalError({
      code: 'postgres-start-failed',
      happened: `The password of the database in ${dir} cannot be read from ${passwordFile(dir)}.`,
      toDo: 'Put that file back, or name a new data directory with DASH_DATA_DIR.',
      cause: error,
    });
  }
}

/** Only what a program needs: PGPORT, PGDATA and the like of the caller would lead it astray. */
export function serverEnv(options: Pick<ClusterOptions, 'env' | 'home'>): NodeJS.ProcessEnv {
  return { PATH: options.env['PATH'], LC_ALL: 'C', [LAUNCH_MARK]: options.home.launchId };
}

/** Root's server runs as the owner of an existing cluster (an ordinary user may have made it), else as `postgres`. */
async function accountFor(options: ClusterOptions): Promise<Account> {
  const { uid, gid } = statSync(options.clusterDir, { throwIfNoEntry: false }) ?? {};
  if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  return postgresAccount(options.env);
}

function placeCluster(options: ClusterOptions, account: Account | undefined): string {
  const { clusterDir, progress } = options;
  const outside = join(options.outsideDir, 'cluster');
  if (account === undefined) return clusterDir;
  if (exists(clusterDir)) {
    if (canReach(account, clusterDir)) return clusterDir;
    throw new LocalError({
      code: 'not-writable',
      happened: `PostgreSQL runs as user ${account.uid}, which may not enter ${clusterDir}, where its data is.`,
      toDo: 'Let others pass through the directories above it ("chmod o+x" on each), or run Dash as the user that owns them.',
    });
  }
  // Once outside it stays there, even when the wish became reachable: that is where the data is.
  if (!exists(outside) && canReach(account, dirname(clusterDir))) return clusterDir;
  if (!canReach(account, options.outsideDir)) {
    throw new LocalError({
      code: 'not-writable',
      happened: `PostgreSQL cannot run as root, and its user ${account.uid} may enter neither ${dirname(clusterDir)} nor ${dirname(options.outsideDir)}.`,
      toDo: 'Name a data directory that all users may enter with DASH_DATA_DIR, run Dash as an ordinary user, or set DATABASE_URL to a PostgreSQL 17 or newer.',
    });
  }
  progress.line(
    `PostgreSQL cannot run as root, and its user may not enter ${dirname(clusterDir)}: the database is in ${outside}.`,
  );
  return outside;
}

function refuseOtherVersion(dir: string, major: string): void {
  const found = readFileSync(join(dir, 'PG_VERSION'), 'utf8').trim();
  if (found === major) return;
  throw new LocalError({
    code: 'postgres-unavailable',
    happened: `The data in ${dir} was written by PostgreSQL ${found}, and this version of Dash brings PostgreSQL ${major}.`,
    toDo: `Dump it with PostgreSQL ${found} and restore it, point DATABASE_URL at a server of your own, or name a new data directory with DASH_DATA_DIR.`,
  });
}

async function makeCluster(options: ClusterOptions, cluster: Cluster): Promise<void> {
  const parent = dirname(cluster.dir);
  const part = join(parent, `${basename(cluster.dir)}.part`);
  if (existsSync(cluster.dir) && readdirSync(cluster.dir).length > 0) {
    throw new LocalError({
      code: 'postgres-unavailable',
      happened: `${cluster.dir} holds files, but is no data directory of PostgreSQL (it has no PG_VERSION).`,
      toDo: 'Look at what it is and move it away, or name a new data directory with DASH_DATA_DIR.',
    });
  }
  const step = options.progress.step('Preparing PostgreSQL');
  try {
    mkdirSync(parent, { recursive: true, mode: 0o755 });
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { mode: 0o700 });
    const password = `${randomBytes(24).toString('base64url')}\n`;
    for (const dir of [part, cluster.dir]) {
      writeFileSync(passwordFile(dir), password, { mode: 0o600 });
    }
    await initialise(options, { ...cluster, dir: part });
    rmSync(passwordFile(part));
    renameSync(part, cluster.dir);
    step.done('PostgreSQL prepared');
  } catch (error) {
    step.fail('PostgreSQL could not be prepared');
    throw explainFileError(error, parent);
  }
}

async function initialise(options: ClusterOptions, cluster: Cluster): Promise<void> {
  const { dir, account } = cluster;
  if (account !== undefined) {
    chownSync(dir, account.uid, account.gid);
    chownSync(passwordFile(dir), account.uid, account.gid);
  }
  const outcome = await runCommand({
    command: join(cluster.programsDir, 'bin', 'initdb'),
    args: [
      `--pgdata=${dir}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile(dir)}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ],
    env: serverEnv(options),
    timeoutMs: INITDB_TIMEOUT_MS,
    cwd: '/',
    ...(account === undefined ? {} : { account }),
  });
  if (outcome.kind === 'ended' && outcome.code === 0) return;
  const said = outcome.kind === 'missing' ? 'initdb cannot be executed' : outcome.stderr.trim();
  throw new LocalError({
    code: /no space left/i.test(said) ? 'disk-full' : 'postgres-start-failed',
    happened: `PostgreSQL could not make its data directory ${dir}: ${said}`,
    toDo: 'Remove the cause and run the command again, or set DATABASE_URL to a PostgreSQL 17 or newer.',
  });
}

function exists(dir: string): boolean {
  return existsSync(join(dir, 'PG_VERSION'));
}

function passwordFile(dir: string): string {
  return `${dir}.password`;
}
