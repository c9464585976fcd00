/**
 * PostgreSQL refuses to run as root. When Dash does, its server runs as the system user `postgres`
 * (made if absent), and its files must lie where that user can reach them: often they do not, for a
 * home or temporary directory of root is closed to others.
 */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explainFileError, LocalError } from './local-error.ts';
import { runCommand } from './run-command.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The system user `postgres`, made when it is absent. For root only. */
export async function postgresAccount(env: NodeJS.ProcessEnv): Promise<Account> {
  const existing = await lookUp(env);
  if (existing !== undefined) return existing;
  await runCommand({
    command: 'useradd',
    args: [
      ...['--system', '--user-group', '--no-create-home'],
      ...['--shell', '/usr/sbin/nologin', 'postgres'],
    ],
    env,
    timeoutMs: 20_000,
  });
  const made = await lookUp(env);
  if (made !== undefined) return made;
  throw new LocalError({
    code: 'postgres-unavailable',
    happened:
      'PostgreSQL does not run as root, and the system user "postgres" is absent and could not be made with useradd.',
    toDo: 'Run Dash as an ordinary user, make a user named "postgres", or set DATABASE_URL to a PostgreSQL 17 or newer.',
  });
}

async function lookUp(env: NodeJS.ProcessEnv): Promise<Account | undefined> {
  const ask = async (flag: string): Promise<number> => {
    const answer = await runCommand({
      command: 'id',
      args: [flag, 'postgres'],
      env,
      timeoutMs: 10_000,
    });
    return answer.kind === 'ended' && answer.code === 0 ? Number(answer.stdout) : Number.NaN;
  };
  const uid = await ask('-u');
  const gid = await ask('-g');
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** True when `account` may pass through every existing directory down to `path` (and read it, if it exists). */
export function canReach(account: Account, path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info !== undefined) {
    const wanted = info.isDirectory() ? 0o1 : 0o5;
    const shift = info.uid === account.uid ? 6 : info.gid === account.gid ? 3 : 0;
    if (((info.mode >> shift) & wanted) !== wanted) return false;
  }
  const parent = dirname(path);
  return parent === path || canReach(account, parent);
}

/**
 * The directory of the PostgreSQL programs, where `account` can execute them: the installed one, or
 * a copy below `copiesDir`, made once per version and put in place whole.
 */
export function reachablePrograms(options: {
  installedDir: string;
  version: string;
  account: Account | undefined;
  copiesDir: string;
}): string {
  const { installedDir, version, account, copiesDir } = options;
  if (account === undefined || canReach(account, join(installedDir, 'bin', 'postgres'))) {
    return installedDir;
  }
  const copy = join(copiesDir, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const part = `${copy}.part-${process.pid}`;
  try {
    mkdirSync(copiesDir, { recursive: true, mode: 0o755 });
    cpSync(installedDir, part, { recursive: true, verbatimSymlinks: true });
    renameSync(part, copy);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(copy)) throw explainFileError(error, copiesDir);
  }
  return copy;
}
