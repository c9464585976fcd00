/**
 * What Dash stands on, on one machine: PostgreSQL and Temporal, its own ones or those that the
 * configuration names. Whatever an earlier kill left behind is ended first (P37), and a guard ends
 * whatever this start leaves behind.
 */
import { join } from 'node:path';
import { projectDir } from '../../src/config/project-dir.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import type { ChildExit } from '../../src/local/child.ts';
import { startGuard } from '../../src/local/guard.ts';
import { endLeftOvers } from '../../src/local/left-overs.ts';
import { startPostgresServer } from '../../src/local/postgres-server.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer } from '../../src/local/temporal-server.ts';
import type { TemporalSettings } from '../../src/temporal/connect.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';
import { checkTemporalServer } from './temporal-check.ts';
import type { UpContext } from './up-context.ts';

/** The ports that are tried first, so that links stay the same from start to start. */
const WANTED_PORTS = { temporal: 7411, temporalWeb: 7412, postgres: 7413 } as const;

export interface Services {
  readonly databaseUrl: string;
  readonly temporal: TemporalSettings;
  /** Temporal Web; null when Temporal is not ours. */
  readonly temporalWebUrl: string | null;
}

/** Starts both, or uses those of the configuration. Throws a LocalError with what to do. */
export async function startServices(up: UpContext): Promise<Services> {
  await endLeftOvers(up);
  const guard = await startGuard({
    home: up.dataDir.home,
    logFile: join(up.dataDir.path, 'logs', 'guard.log'),
    env: up.env,
  });
  up.onEnd('the guard', () => guard.dismiss());
  const starting = [startDatabase(up), startTemporal(up)] as const;
  // When one fails the other is waited for: it has to be ended, too.
  await Promise.allSettled(starting);
  const [databaseUrl, temporal] = await Promise.all(starting);
  return { databaseUrl, ...temporal };
}

async function startDatabase(up: UpContext): Promise<string> {
  const { url } = up.config.database;
  if (url !== undefined) {
    up.progress.line('PostgreSQL: the one that DATABASE_URL names.');
    return url;
  }
  const logFile = join(up.dataDir.path, 'logs', 'postgres.log');
  const step = up.progress.step('Starting PostgreSQL');
  try {
    const server = await startPostgresServer({
      clusterDir: join(up.dataDir.path, 'postgres'),
      outsideDir: join('/var/lib/dash', up.dataDir.id),
      logFile,
      home: up.dataDir.home,
      env: up.env,
      clock: up.clock,
      progress: up.progress,
      port: WANTED_PORTS.postgres,
    });
    step.done(`PostgreSQL on port ${server.port}`);
    mind(up, 'PostgreSQL', logFile, server);
    return server.url;
  } catch (error) {
    step.fail('PostgreSQL did not start');
    throw error;
  }
}

async function startTemporal(up: UpContext): Promise<Omit<Services, 'databaseUrl'>> {
  const { temporal } = up.config;
  if (temporal.address !== null) {
    const found = await checkTemporalServer(temporal);
    if (found.kind === 'problem') throw temporalUnusable(found.message, found.hint);
    up.progress.line(`Temporal: the one at ${temporal.address} (server ${found.serverVersion}).`);
    return { temporal, temporalWebUrl: null };
  }
  const root = projectDir();
  const binary = await ensureTemporalBinary({
    cacheDir: up.env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
    toolDir: join(root, 'tools', 'temporal'),
    env: up.env,
    progress: up.progress,
    abort: up.ending,
  });
  const dataDir = join(up.dataDir.path, 'temporal');
  const step = up.progress.step('Starting Temporal');
  try {
    const server = await startTemporalServer({
      binaryPath: binary.path,
      dataDir,
      storage: 'file',
      namespace: temporal.namespace,
      searchAttributes: SEARCH_ATTRIBUTES,
      home: up.dataDir.home,
      env: up.env,
      clock: up.clock,
      progress: up.progress,
      port: WANTED_PORTS.temporal,
      uiPort: WANTED_PORTS.temporalWeb,
    });
    step.done(`Temporal on ${server.address}`);
    mind(up, 'Temporal', join(dataDir, 'temporal.log'), server);
    const connection = { address: server.address };
    return {
      temporal: { connection, namespace: server.namespace },
      temporalWebUrl: server.uiUrl ?? null,
    };
  } catch (error) {
    step.fail('Temporal did not start');
    throw error;
  }
}

function temporalUnusable(message: string, hint: string): CliError {
  return new CliError({ exitCode: EXIT.unreachable, code: 'temporal-unusable', message, hint });
}

/** Ends it in its turn; when it ends before, so does everything: rows and histories keep what was under way. */
function mind(
  up: UpContext,
  what: string,
  logFile: string,
  server: { readonly exited: Promise<ChildExit>; readonly stop: () => Promise<void> },
): void {
  up.onEnd(what, () => server.stop());
  void server.exited.then(({ code, signal }) => {
    if (up.ending.aborted) return;
    up.fail(
      new CliError({
        exitCode: EXIT.failed,
        code: 'service-ended',
        message: `${what} ended by itself (${signal ?? `exit code ${String(code)}`}), so Dash ends, too. Its log: ${logFile}`,
        hint: 'Nothing that was accepted is lost: start again, and the work goes on.',
      }),
    );
  });
}
