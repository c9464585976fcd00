import { Registry } from 'prom-client';
import type { ManagedProcesses } from '../../activities/hold-gateway/ports.ts';
import { acceptTask, type NewTask } from '../../src/db/accept.ts';
import { getGateway, registerGateway } from '../../src/db/gateway-store.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import { getTask } from '../../src/db/task-store.ts';
import type { TaskRecord } from '../../src/db/task-record.ts';
import {
  DEFAULT_ATTEMPT_POLICY,
  type AttemptPolicy,
} from '../../src/domain/attempt-protocol-policy.ts';
import { isTerminal } from '../../src/domain/task.ts';
import {
  startFakeGateway,
  type FakeGateway,
  type FakeGatewayOptions,
} from '../../src/gateway/fake-gateway/fake-gateway.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newId } from '../../src/platform/ids.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { RacePoints } from '../../src/platform/race-points.ts';
import { newSecretKey, sealSecret } from '../../src/platform/secret-box.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { connectTemporal, type TemporalConnection } from '../../src/temporal/connect.ts';
import { createWorkflowMessages, type WorkflowMessages } from '../../src/temporal/messages.ts';
import {
  startControlWorker,
  type ControlWorkerOptions,
} from '../../workers/start-control-worker.ts';
import type { GatewayHostOptions } from '../../workers/gateway-host-options.ts';
import { startGatewayHost, type GatewayHost } from '../../workers/start-gateway-host.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import { createTestNamespace, testTemporalAddress } from './temporal-namespace.ts';
import { startWorkerChild, type WorkerChild } from './worker-process.ts';

/** Durations short enough for tests; the ratios are those of production. */
export const TEST_HOLD = { heartbeatMs: 500, timeoutMs: 3_000 };
export const TEST_RUN = { heartbeatMs: 1_000, timeoutMs: 3_000 };

export interface TestDash {
  readonly database: TestDatabase;
  readonly temporal: TemporalConnection;
  readonly messages: WorkflowMessages;
  readonly secretKey: string;
  /** Starts one more gateway host in this process. */
  startHost(hostId: string, options?: HostOptions): Promise<GatewayHost>;
  /** Starts a gateway host as a process of its own, with the same durations, and waits until it is ready. */
  startHostProcess(hostId: string): Promise<WorkerChild>;
  /** Starts a fake gateway, registers it and its workflow, and waits until it is open (or `until` holds). */
  addGateway(id: string, options?: AddGatewayOptions): Promise<FakeGateway>;
  gateway(id: string): Promise<GatewayRecord>;
  submit(task: Partial<NewTask> & { prompt: string }): Promise<string>;
  /** Resolves with the task in its terminal state. */
  ended(taskId: string, timeoutMs?: number): Promise<TaskRecord>;
  close(): Promise<void>;
}

export interface HostOptions {
  readonly maxGateways?: number;
  readonly managed?: ManagedProcesses;
  readonly race?: RacePoints;
  readonly policy?: Partial<AttemptPolicy>;
  readonly observe?: GatewayHostOptions['observe'];
}

export interface AddGatewayOptions extends FakeGatewayOptions {
  readonly laneLimit?: number;
  readonly awaitOpen?: boolean;
  /** Another token than the gateway's own. */
  readonly registeredToken?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** DASH_TEST_LOG names a directory where the logs of worker processes are kept; in this process it logs everything. */
const log = createLogger({
  level: process.env['DASH_TEST_LOG'] === undefined ? 'error' : 'debug',
  name: 'test',
});
const clock = systemClock();
const onFatal = (error: Error): void => log.error({ err: error }, 'a worker has ended');
const bundle = process.env['DASH_TEST_WORKFLOW_BUNDLE'];
// Each test file has its own copy of this module, and of Temporal's.
installTemporalRuntime(log);

/** Control worker and everything below it, on a database and a Temporal namespace of their own. */
export async function startTestDash({
  temporalAddress = testTemporalAddress(),
  ...options
}: Pick<
  ControlWorkerOptions,
  'maxCachedWorkflows' | 'reconcileEveryMs' | 'reconcileOlderThanSeconds'
> & {
  /** A server of the test's own, to be taken away. */
  readonly temporalAddress?: string;
} = {}): Promise<TestDash> {
  const database = await createTestDatabase({ maxConnections: 20 });
  const { db } = database;
  const namespace = await createTestNamespace(temporalAddress);
  const temporal = await connectTemporal({
    connection: { address: temporalAddress },
    namespace,
  });
  const secretKey = newSecretKey();
  const control = await startControlWorker({
    db,
    temporal,
    holdTimeoutMs: TEST_HOLD.timeoutMs,
    runHeartbeatTimeoutMs: TEST_RUN.timeoutMs,
    clock,
    log,
    onFatal,
    ...(bundle === undefined ? {} : { workflowBundle: bundle }),
    ...options,
  });
  const messages = createWorkflowMessages({ client: temporal.client, timeoutMs: 5_000 });
  const hosts: GatewayHost[] = [];
  const fakes: FakeGateway[] = [];
  const children: WorkerChild[] = [];
  const connections: TemporalConnection[] = [temporal];

  const gateway = async (id: string): Promise<GatewayRecord> => {
    const row = await getGateway(db, id);
    if (row === null) throw new Error(`there is no gateway ${id}`);
    return row;
  };

  return {
    database,
    temporal,
    messages,
    secretKey,
    gateway,
    async startHost(hostId, { race, policy, observe, maxGateways = 50, managed = null } = {}) {
      // Workers of two hosts on one queue need connections of their own.
      const connection = await connectTemporal({
        connection: { address: temporalAddress },
        namespace,
      });
      connections.push(connection);
      const host = await startGatewayHost({
        db: database.connect(hostId, 10),
        temporal: connection,
        hostId,
        maxGateways,
        secretKey,
        managed,
        hold: TEST_HOLD,
        run: TEST_RUN,
        clock,
        log,
        onFatal,
        metrics: createMetrics({ registry: new Registry() }),
        ...(race === undefined ? {} : { race }),
        ...(observe === undefined ? {} : { observe }),
        ...(policy === undefined ? {} : { policy: { ...DEFAULT_ATTEMPT_POLICY, ...policy } }),
      });
      hosts.push(host);
      return host;
    },
    async startHostProcess(hostId) {
      const child = startWorkerChild('gateway-host', {
        DATABASE_URL: database.url,
        TEMPORAL_ADDRESS: temporalAddress,
        TEMPORAL_NAMESPACE: namespace,
        DASH_HOST_ID: hostId,
        DASH_SECRET_KEY: secretKey,
        DASH_HOLD_HEARTBEAT_MS: String(TEST_HOLD.heartbeatMs),
        DASH_HOLD_TIMEOUT_MS: String(TEST_HOLD.timeoutMs),
        DASH_RUN_HEARTBEAT_MS: String(TEST_RUN.heartbeatMs),
        DASH_RUN_TIMEOUT_MS: String(TEST_RUN.timeoutMs),
      });
      children.push(child);
      await child.ready;
      return child;
    },
    async addGateway(
      id,
      { laneLimit = 4, awaitOpen = true, labels = {}, registeredToken, ...fakeOptions } = {},
    ) {
      const fake = await startFakeGateway(fakeOptions);
      fakes.push(fake);
      await registerGateway(db, {
        id,
        kind: 'adopted',
        endpoint: fake.endpoint,
        labels,
        configuredLanes: laneLimit,
        sealedToken: sealSecret(secretKey, registeredToken ?? fake.token),
        actor: 'test',
      });
      await messages.ensureGateway(id);
      if (awaitOpen) {
        await eventually(async () => (await gateway(id)).state === 'open', {
          timeoutMs: 20_000,
          what: `gateway ${id} to open`,
        });
      }
      return fake;
    },
    async submit(task) {
      const accepted = await acceptTask(db, {
        id: newId('task'),
        tenant: 'default',
        pool: 'default',
        sessionKey: null,
        agent: 'main',
        priority: 3,
        notBefore: null,
        queueLimitSeconds: null,
        deadlineAt: null,
        runLimitSeconds: 3_600,
        maxAttempts: 3,
        idempotent: false,
        correlationId: 'test',
        idempotency: null,
        actor: 'test',
        ...task,
      });
      if (accepted.kind !== 'accepted') throw new Error(`not accepted: ${accepted.kind}`);
      return accepted.task.id;
    },
    ended: (taskId, timeoutMs = 20_000) =>
      eventually(
        async () => {
          const task = await getTask(db, taskId);
          if (task === null) throw new Error(`there is no task ${taskId}`);
          if (!isTerminal(task.state)) throw new Error(`task ${taskId} is ${task.state}`);
          return task;
        },
        { timeoutMs, what: `the end of ${taskId}` },
      ),
    async close() {
      await Promise.all(children.map((child) => child.end()));
      await Promise.all(hosts.map((host) => host.close()));
      await control.close();
      await Promise.all(fakes.map((fake) => fake.close()));
      await Promise.all(connections.map((connection) => connection.close()));
      await database.close();
    },
  };
}
