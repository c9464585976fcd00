import { afterEach, expect, test } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { choosePort } from '../../../src/local/free-port.ts';
import { readRecords } from '../../../src/local/process-record.ts';
import { startTemporalServer, type TemporalServer } from '../../../src/local/temporal-server.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { listensOn } from '../../../src/platform/listeners.ts';
import { fakeProgram } from '../../support/fake-program.ts';
import { recordingProgress, type RecordingProgress } from '../../support/recording-progress.ts';
import { tempDir } from '../../support/temp-dir.ts';

const servers: TemporalServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

interface Wishes {
  port?: number;
  uiPort?: number | false;
  storage?: 'memory';
  binaryPath?: string;
  progress?: RecordingProgress;
}

async function start(dir: string, wishes: Wishes = {}): Promise<TemporalServer> {
  const server = await startTemporalServer({
    binaryPath: process.env['DASH_TEST_TEMPORAL_BINARY'] ?? 'temporal',
    dataDir: join(dir, 'temporal'),
    storage: 'file',
    namespace: 'dash',
    searchAttributes: ['SomeName'],
    home: { recordsDir: join(dir, 'processes'), launchId: 'test' },
    env: process.env,
    clock: systemClock(),
    progress: recordingProgress(),
    ...wishes,
  });
  servers.push(server);
  return server;
}

async function withConnection<T>(
  server: TemporalServer,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

test('Temporal keeps its workflows over a stop and a SIGKILL, on the same file', async () => {
  using dir = tempDir();
  const first = await start(dir.path);
  expect(first.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(first.uiUrl ?? '')).status).toBe(200);
  await withConnection(first, (connection) =>
    connection.workflowService.startWorkflowExecution({
      namespace: 'dash',
      workflowId: 'kept',
      workflowType: { name: 'none' },
      taskQueue: { name: 'nobody-polls' },
      requestId: 'r',
    }),
  );
  process.kill(first.pid, 'SIGKILL');
  await first.exited;
  const second = await start(dir.path, { uiPort: false });
  expect(second.uiUrl).toBeUndefined();
  const { workflowExecutionInfo } = await withConnection(second, (connection) =>
    connection.workflowService.describeWorkflowExecution({
      namespace: 'dash',
      execution: { workflowId: 'kept' },
    }),
  );
  expect(workflowExecutionInfo?.type?.name).toBe('none');
  await second.stop();
  expect(readRecords(join(dir.path, 'processes'))).toEqual([]);
}, 60_000);

test('Temporal and Temporal Web take other ports when theirs are in use, and say so', async () => {
  using dir = tempDir();
  const holders = [0, 1].map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(holders.map((holder) => once(holder, 'listening')));
  const [port = 0, uiPort = 0] = holders.map((holder) => {
    const address = holder.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  try {
    const progress = recordingProgress();
    const server = await start(dir.path, { port, uiPort, progress });
    expect(server.address).not.toBe(`127.0.0.1:${port}`);
    expect(server.uiUrl).not.toBe(`http://127.0.0.1:${uiPort}`);
    expect(progress.lines).toEqual([
      expect.stringContaining(`Port ${port} is in use; Temporal uses`),
      expect.stringContaining(`Port ${uiPort} is in use; Temporal Web uses`),
    ]);
  } finally {
    for (const holder of holders) holder.close();
  }
}, 60_000);

test('another Temporal that takes the port between choice and start is not taken for our own; another port is chosen', async () => {
  using dir = tempDir();
  const { port } = await choosePort({ what: 'the test', say: () => undefined });
  const real = process.env['DASH_TEST_TEMPORAL_BINARY'] ?? 'temporal';
  const binaryPath = fakeProgram(
    join(dir.path, 'bin'),
    'temporal',
    `if mkdir '${join(dir.path, 'first')}' 2>/dev/null; then
  '${real}' "$@" &
  until '${real}' operator cluster health --address 127.0.0.1:${port} >/dev/null 2>&1; do sleep 0.05; done
fi
exec '${real}' "$@"`,
  );
  const server = await start(dir.path, { binaryPath, port, uiPort: false, storage: 'memory' });
  expect(listensOn(server.pid, Number(new URL(`http://${server.address}`).port))).toBe(true);
}, 60_000);

test('a server that ends while it starts is reported with what it said, and leaves nothing behind', async () => {
  using dir = tempDir();
  const binaryPath = fakeProgram(
    join(dir.path, 'bin'),
    'temporal',
    'echo "schema is too old"; exit 1',
  );
  await expect(start(dir.path, { binaryPath })).rejects.toMatchObject({
    code: 'temporal-start-failed',
    message: expect.stringMatching(
      /ended while it started[^]*schema is too old[^]*TEMPORAL_ADDRESS/,
    ),
  });
  expect(readRecords(join(dir.path, 'processes'))).toEqual([]);
});
