import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
  type WorkflowBundle,
} from '@temporalio/worker';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** One connection to the Temporal server of the test run, and what a test file needs to be alone on it. */
export interface TestTemporal {
  readonly client: Client;
  /** Unique per test file: queues and ids begin with it. */
  readonly prefix: string;
  /** Runs `use` while a worker polls `taskQueue`; the worker ends afterwards, whatever happened. */
  withWorker<T>(options: TestWorker, use: () => Promise<T>): Promise<T>;
  startWorker(options: TestWorker): Promise<RunningWorker>;
  close(): Promise<void>;
}

export interface TestWorker {
  readonly taskQueue: string;
  readonly activities: object;
  readonly maxCachedWorkflows?: number;
}

export interface RunningWorker {
  stop(): Promise<void>;
}

/** `workflowsPath`: absolute path of the file whose exports are the workflows under test. */
export async function connectTestTemporal(workflowsPath: string): Promise<TestTemporal> {
  const address = process.env['DASH_TEST_TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233';
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const bundle: WorkflowBundle = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
  });
  const optionsOf = (options: TestWorker): WorkerOptions => ({
    connection: native,
    taskQueue: options.taskQueue,
    workflowBundle: bundle,
    activities: options.activities,
    stickyQueueScheduleToStartTimeout: '1s',
    shutdownGraceTime: '2s',
    ...(options.maxCachedWorkflows === undefined
      ? {}
      : { maxCachedWorkflows: options.maxCachedWorkflows }),
  });
  const startWorker = async (options: TestWorker): Promise<RunningWorker> => {
    const worker = await Worker.create(optionsOf(options));
    const running = worker.run();
    return {
      async stop() {
        worker.shutdown();
        await running;
      },
    };
  };
  return {
    client: new Client({ connection }),
    prefix: `t${randomBytes(4).toString('hex')}`,
    startWorker,
    async withWorker(options, use) {
      const worker = await startWorker(options);
      try {
        return await use();
      } finally {
        await worker.stop();
      }
    },
    async close() {
      await native.close();
      await connection.close();
    },
  };
}
