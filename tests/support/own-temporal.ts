import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { silentProgress } from '../../src/local/progress.ts';
import { startTemporalServer, type TemporalServer } from '../../src/local/temporal-server.ts';
import { systemClock } from '../../src/platform/clock.ts';

const DATA_FILES = ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'];

/** A Temporal of one test's own, on a file: it can be killed, and comes back where it was. */
export interface OwnTemporal {
  readonly address: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** The same port and data. */
  start(): Promise<void>;
  /** Copies its data; the answer puts that copy back. Both end the server for a moment, like SIGKILL. */
  copy(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export async function startOwnTemporal(): Promise<OwnTemporal> {
  const dir = mkdtempSync(join(tmpdir(), 'dash-temporal-'));
  const start = (port?: number): Promise<TemporalServer> =>
    startTemporalServer({
      binaryPath: process.env['DASH_TEST_TEMPORAL_BINARY'] ?? 'temporal',
      dataDir: dir,
      storage: 'file',
      namespace: 'default',
      searchAttributes: SEARCH_ATTRIBUTES,
      home: { recordsDir: join(dir, 'records'), launchId: 'own-temporal' },
      env: process.env,
      clock: systemClock(),
      progress: silentProgress(),
      uiPort: false,
      ...(port === undefined ? {} : { port }),
    });
  let server = await start();
  const { address } = server;
  const whileKilled = async (work: () => void): Promise<void> => {
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    work();
    server = await start(Number(address.split(':')[1]));
  };
  const copyFiles = (from: string, to: string): void => {
    for (const file of DATA_FILES) {
      rmSync(join(to, file), { force: true });
      if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
    }
  };
  return {
    address,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    async start() {
      server = await start(Number(address.split(':')[1]));
    },
    async copy() {
      const copyDir = join(dir, 'copy');
      mkdirSync(copyDir);
      await whileKilled(() => copyFiles(dir, copyDir));
      return () => whileKilled(() => copyFiles(copyDir, dir));
    },
    async close() {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
