/**
 * What is installed and reachable on this machine. Looks only: nothing is started, fetched or
 * written. A thing that `npm start` would fetch by itself is no problem, only worth knowing.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { DashConfig } from '../../src/config/load.ts';
import { projectDir } from '../../src/config/project-dir.ts';
import { ApiError } from '../../src/contract/client-errors.ts';
import { readinessCheck } from '../../src/contract/operations.ts';
import { readRunning } from '../../src/local/data-dir.ts';
import { postgresPackage } from '../../src/local/postgres-package.ts';
import { runCommand } from '../../src/local/run-command.ts';
import type { CliContext } from '../context.ts';
import { adminKeyFile } from '../local-instance.ts';
import { checkTemporalServer } from './temporal-check.ts';

/** `note`: fine, but worth knowing; `problem`: something to do, and `hint` says what. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'note' | 'problem';
  readonly detail: string;
  readonly hint?: string;
}

interface Machine {
  readonly config: DashConfig;
  readonly context: CliContext;
  readonly root: string;
}

const LOOK_TIMEOUT_MS = 5_000;

/** All checks, in the order in which things build on each other. A check that fails itself is a problem, never an exception. */
export async function examine(options: {
  config: DashConfig;
  context: CliContext;
}): Promise<readonly Check[]> {
  const machine = { ...options, root: projectDir() };
  const looks: readonly (readonly [string, (machine: Machine) => Promise<Check[]> | Check[]])[] = [
    ['node', checkNode],
    ['data directory', checkDataDir],
    ['postgres', checkPostgres],
    ['temporal', checkTemporal],
    ['openclaw', checkOpenClaw],
    ['model', checkModel],
    ['key file', checkKeyFile],
    ['api', checkApi],
  ];
  const found = await Promise.all(
    looks.map(async ([name, look]) => {
      try {
        return await look(machine);
      } catch (error) {
        return [problem(name, error instanceof Error ? error.message : String(error))];
      }
    }),
  );
  return found.flat();
}

const ok = (name: string, detail: string): Check => ({ name, status: 'ok', detail });
const note = (name: string, detail: string): Check => ({ name, status: 'note', detail });
const problem = (name: string, detail: string, hint?: string): Check => ({
  name,
  status: 'problem',
  detail,
  ...(hint === undefined ? {} : { hint }),
});

function checkNode(): Check[] {
  return [ok('node', `${process.version} at ${process.execPath}`)];
}

function checkDataDir({ config }: Machine): Check[] {
  const { dataDir } = config;
  const running = existsSync(dataDir) ? readRunning(dataDir) : undefined;
  if (running !== undefined) {
    const where =
      running.apiUrl === undefined ? 'it is still starting' : `its API is at ${running.apiUrl}`;
    return [ok('data directory', `${dataDir}; Dash runs on it (pid ${running.pid}), ${where}`)];
  }
  const nearest = existing(dataDir);
  try {
    accessSync(nearest, constants.W_OK);
  } catch {
    return [
      problem(
        'data directory',
        `${nearest} may not be written by this user`,
        'Name another directory with DASH_DATA_DIR.',
      ),
    ];
  }
  return [
    existsSync(dataDir)
      ? ok('data directory', `${dataDir}; Dash does not run on it`)
      : note('data directory', `${dataDir} is made by the first start`),
  ];
}

function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}

async function checkPostgres({ config }: Machine): Promise<Check[]> {
  const { url } = config.database;
  if (url === undefined) {
    const { version } = await postgresPackage();
    return [ok('postgres', `embedded PostgreSQL ${version} is installed`)];
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: LOOK_TIMEOUT_MS });
  // A connection that breaks while it ends is no news.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    );
    const major = Math.floor((rows[0]?.version ?? 0) / 10_000);
    if (major >= 17) return [ok('postgres', `DATABASE_URL names a PostgreSQL ${major}`)];
    return [
      problem(
        'postgres',
        `DATABASE_URL names a PostgreSQL ${major}`,
        'Dash needs 17 or newer (transaction_timeout).',
      ),
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      problem(
        'postgres',
        `DATABASE_URL does not answer: ${reason}`,
        'Start that PostgreSQL, correct DATABASE_URL, or unset it to use the embedded one.',
      ),
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function checkTemporal({ config, context, root }: Machine): Promise<Check[]> {
  const { address, namespace } = config.temporal;
  if (address !== null) {
    const found = await checkTemporalServer(config.temporal);
    if (found.kind === 'problem') return [problem('temporal', found.message, found.hint)];
    return [ok('temporal', `server ${found.serverVersion} at ${address}, namespace ${namespace}`)];
  }
  const cacheDir = context.env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache');
  const cached = existsSync(cacheDir)
    ? readdirSync(cacheDir).filter((name) => /^temporal-\d/.test(name) && !name.includes('part'))
    : [];
  for (const path of ['temporal', ...cached.map((name) => join(cacheDir, name))]) {
    const answer = await runCommand({
      command: path,
      args: ['--version'],
      env: context.env,
      timeoutMs: LOOK_TIMEOUT_MS,
    });
    if (answer.kind === 'ended' && answer.code === 0) {
      return [
        ok('temporal', `${answer.stdout.trim()} (${path === 'temporal' ? 'on PATH' : path})`),
      ];
    }
  }
  return [note('temporal', 'no program yet; the first start fetches it (or set TEMPORAL_ADDRESS)')];
}

function checkOpenClaw({ root }: Machine): Check[] {
  const directory = join(root, 'tools', 'openclaw');
  const manifest = join(directory, 'node_modules', 'openclaw', 'package.json');
  if (!existsSync(manifest))
    return [note('openclaw', 'not installed yet; the first start installs it')];
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return [ok('openclaw', `${version} in ${directory}`)];
}

function checkModel({ config }: Machine): Check[] {
  const { kind } = config.model;
  return kind === 'stub'
    ? [
        note(
          'model',
          'no key was found: a built-in stub model answers (OPENAI_API_KEY, ANTHROPIC_API_KEY, DASH_MODEL_BASE_URL)',
        ),
      ]
    : [ok('model', kind)];
}

function checkKeyFile({ config }: Machine): Check[] {
  const path = adminKeyFile(config.dataDir);
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return [note('key file', `${path} is written by the first start`)];
  if ((info.mode & 0o077) === 0) return [ok('key file', path)];
  return [problem('key file', `${path} can be read by other users`, `Run: chmod 600 ${path}`)];
}

/** Where dashctl would go: whether an API answers there, what it says of itself, and whether it takes our key. */
async function checkApi({ context }: Machine): Promise<Check[]> {
  const { baseUrl, apiKey, source } = await context.target();
  const client = await context.client();
  const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
  const checks: Check[] = [];
  try {
    const { checks: parts } = await client.health.ready({ signal });
    checks.push(
      ok('api', `${baseUrl} (${source}): ready (${parts.map(({ name }) => name).join(', ')})`),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) {
      return [
        problem(
          'api',
          error instanceof Error ? error.message : String(error),
          'Start Dash with `npm start`, or name its address with DASH_URL.',
        ),
      ];
    }
    const parts = readinessCheck.array().safeParse(error.problem.details?.['checks']);
    const failing = parts.success ? parts.data.filter((part) => !part.ok) : [];
    checks.push(problem('api', `${baseUrl} (${source}): ${error.message}`));
    checks.push(...failing.map((part) => problem(`api: ${part.name}`, part.detail)));
  }
  if (apiKey === undefined)
    return [...checks, problem('api key', 'none is known', 'Give one with DASH_API_KEY.')];
  try {
    await client.tasks.list({ query: { limit: 1 }, signal });
    return [...checks, ok('api key', 'the API takes it')];
  } catch (error) {
    if (error instanceof ApiError && error.problem.status >= 500) return checks;
    return [...checks, problem('api key', error instanceof Error ? error.message : String(error))];
  }
}
