import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '../../../src/platform/logger.ts';
import { newSecretKey } from '../../../src/platform/secret-box.ts';
import { connectTemporal, type TemporalConnection } from '../../../src/temporal/connect.ts';
import { installTemporalRuntime } from '../../../src/temporal/runtime.ts';
import { runWorkers } from '../../../workers/run-workers.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createTestNamespace, testTemporalAddress } from '../../support/temporal-namespace.ts';
import { startWorkerChild, type WorkerChild } from '../../support/worker-process.ts';

installTemporalRuntime(createLogger({ level: 'silent', name: 'test' }));

const activities = { nothing: async () => undefined };
let namespace = '';
let database: TestDatabase;
const children: WorkerChild[] = [];

beforeAll(async () => {
  namespace = await createTestNamespace();
  database = await createTestDatabase();
}, 60_000);

afterEach(() => Promise.all(children.splice(0).map((child) => child.end())));
afterAll(() => database?.close());

function connect(): Promise<TemporalConnection> {
  return connectTemporal({ connection: { address: testTemporalAddress() }, namespace });
}

test('when one of several workers cannot be created none is left, and the connection can be closed', async () => {
  const temporal = await connect();
  const shared = { connection: temporal.native, namespace, activities };
  const workers = [
    { ...shared, taskQueue: 'possible' },
    { ...shared, taskQueue: 'impossible', workflowBundle: { codePath: '/no/such/bundle.js' } },
  ];
  await expect(runWorkers({ workers, onFatal: () => undefined })).rejects.toThrow(
    '/no/such/bundle.js',
  );
  await temporal.close();
}, 30_000);

test('workers that are closed in order tell of nothing fatal', async () => {
  const temporal = await connect();
  const told: Error[] = [];
  const running = await runWorkers({
    workers: [{ connection: temporal.native, namespace, activities, taskQueue: 'orderly' }],
    onFatal: (error) => told.push(error),
  });
  await running.close();
  await temporal.close();
  expect(told).toEqual([]);
}, 30_000);

test.each(['gateway-host', 'control'] as const)(
  'a %s whose workers Temporal refuses for good says so and ends with an exit code, not with a stack',
  async (name) => {
    const child = startWorkerChild(name, {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: testTemporalAddress(),
      TEMPORAL_NAMESPACE: 'no-such-namespace',
      DASH_SECRET_KEY: newSecretKey(),
    });
    children.push(child);
    await child.exited;
    expect(child.output()).toContain('no-such-namespace');
    expect(child.output()).toMatch(/"level":"?(fatal|60)/);
    expect(child.output()).toContain('"msg":"ended"');
    expect(child.exitCode()).toBe(1);
  },
  60_000,
);
