import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { startPostgresServer } from '../../src/local/postgres-server.ts';
import { silentProgress } from '../../src/local/progress.ts';
import { ensureTemporalBinary } from '../../src/local/temporal-binary.ts';
import { startTemporalServer } from '../../src/local/temporal-server.ts';
import type { Ground } from './ground.ts';
import { Part, type Running } from './part.ts';

/** A server whose address stays the same over all its lives. */
export interface ServerPart {
  readonly part: Part;
  /** Valid after the first start. */
  address(): string;
}

/** PostgreSQL as it is in production: what was committed is on the disk. */
export async function postgresPart(
  ground: Ground,
  onCrash: (what: string) => void,
): Promise<ServerPart> {
  const { dir, home, env, clock } = ground;
  const port = await ground.takePort();
  let url = '';
  const launch = async (): Promise<Running> => {
    const server = await startPostgresServer({
      clusterDir: join(dir, 'postgres'),
      outsideDir: join(dir, 'postgres-outside'),
      logFile: join(dir, 'logs', 'postgres.log'),
      home,
      env,
      clock,
      progress: silentProgress(),
      port,
      settings: { max_connections: '200' },
    });
    url = server.url;
    return onItsPort('PostgreSQL', port, server.port, server);
  };
  // A start ends when it takes statements.
  const isReady = async (): Promise<boolean> => true;
  const part = new Part({ kind: 'postgres', name: 'postgres', launch, isReady, onCrash });
  return { part, address: () => url };
}

/** The Temporal dev server on a file. */
export async function temporalPart(
  ground: Ground,
  onCrash: (what: string) => void,
): Promise<ServerPart> {
  const { dir, home, env, clock, root } = ground;
  const binary = await ensureTemporalBinary({
    cacheDir: env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
    toolDir: join(root, 'tools', 'temporal'),
    env,
    progress: silentProgress(),
  });
  const port = await ground.takePort();
  const launch = async (): Promise<Running> => {
    const server = await startTemporalServer({
      binaryPath: binary.path,
      dataDir: join(dir, 'temporal'),
      storage: 'file',
      namespace: 'default',
      searchAttributes: SEARCH_ATTRIBUTES,
      home,
      env,
      clock,
      progress: silentProgress(),
      port,
      uiPort: false,
    });
    return onItsPort('Temporal', port, Number(server.address.split(':')[1]), server);
  };
  const isReady = async (): Promise<boolean> => true;
  const part = new Part({ kind: 'temporal', name: 'temporal', launch, isReady, onCrash });
  return { part, address: () => `127.0.0.1:${port}` };
}

async function onItsPort(
  what: string,
  wanted: number,
  got: number,
  server: Running,
): Promise<Running> {
  if (got === wanted) return server;
  await server.stop();
  throw new Error(`another program took port ${wanted} of ${what}: run it again`);
}
