import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import {
  createMaintenanceActivities,
  type MaintenanceActivities,
} from '../../../../activities/maintenance/maintenance.ts';
import { createMaintenanceTemporal } from '../../../../activities/maintenance/temporal-port.ts';
import { acceptTask } from '../../../../src/db/accept.ts';
import type { Claim } from '../../../../src/db/claim.ts';
import type { Database } from '../../../../src/db/database.ts';
import { listFindings, type FindingRecord } from '../../../../src/db/finding-store.ts';
import { acceptSwarm } from '../../../../src/db/swarm-store.ts';
import { getTask } from '../../../../src/db/task-store.ts';
import type { TaskRecord } from '../../../../src/db/task-record.ts';
import type { MismatchKind, ReconcileAnswer } from '../../../../src/domain/maintenance.ts';
import { CONTROL_QUEUE } from '../../../../src/domain/names.ts';
import { systemClock } from '../../../../src/platform/clock.ts';
import { newId } from '../../../../src/platform/ids.ts';
import { connectTemporal, type TemporalConnection } from '../../../../src/temporal/connect.ts';
import { createWorkflowMessages } from '../../../../src/temporal/messages.ts';
import { withDatabase } from '../../../support/database.ts';
import { claimFrom, openRowGateway, type RowGateway } from '../../../support/row-executor.ts';
import { createTestNamespace, testTemporalAddress } from '../../../support/temporal-namespace.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** Real rows and a real Temporal whose workflows only remember what they were told. */
export interface MaintenanceWorld {
  readonly db: Database;
  readonly temporal: TemporalConnection;
  readonly gateway: RowGateway;
  /** Reconcile that asks for everything at once, without the minute of patience. */
  readonly impatient: MaintenanceActivities;
  /** Looks for one kind, all pages. */
  reconcile(kind: MismatchKind, using?: MaintenanceActivities): Promise<ReconcileAnswer>;
  /** Findings about one subject, newest first. */
  findings(subject: string): Promise<readonly FindingRecord[]>;
  task(prompt: string, sessionKey?: string): Promise<string>;
  claimed(taskId: string): Promise<Claim>;
  row(taskId: string): Promise<TaskRecord>;
  swarm(): Promise<string>;
  /** Lets a row look as if it had been written two minutes ago. */
  age(table: string, column: string, id: string): Promise<void>;
  start(type: string, workflowId: string): Promise<void>;
  /** What a stand-in was started with and told since. */
  told(workflowId: string): Promise<readonly unknown[]>;
}

export function withMaintenanceWorld(): () => MaintenanceWorld {
  const database = withDatabase();
  let temporal: TemporalConnection;
  let gateway: RowGateway;
  let worker: Worker;
  let running: Promise<void>;

  beforeAll(async () => {
    const namespace = await createTestNamespace();
    temporal = await connectTemporal({ connection: { address: testTemporalAddress() }, namespace });
    gateway = await openRowGateway(database().db, { gatewayId: 'g1' });
    worker = await Worker.create({
      connection: temporal.native,
      namespace,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: join(import.meta.dirname, 'stand-in-workflows.ts'),
    });
    running = worker.run();
  }, 60_000);

  afterAll(async () => {
    worker?.shutdown();
    await running;
    await temporal?.close();
  });

  return () => worldOf(database().db, temporal, gateway);
}

function worldOf(
  db: Database,
  temporal: TemporalConnection,
  gateway: RowGateway,
): MaintenanceWorld {
  const { client } = temporal;
  const clock = systemClock();
  const deps = {
    db,
    clock,
    temporal: createMaintenanceTemporal({
      client,
      messages: createWorkflowMessages({ client, timeoutMs: 5_000 }),
      clock,
      runHeartbeatTimeoutMs: 30_000,
    }),
  };
  const patient = createMaintenanceActivities({ ...deps, pageSize: 2 });
  return {
    db,
    temporal,
    gateway,
    impatient: createMaintenanceActivities({ ...deps, olderThanSeconds: 0 }),
    async reconcile(kind, using = patient) {
      let found = 0;
      let repaired = 0;
      let next: string | null = null;
      do {
        const page: ReconcileAnswer = await using.reconcilePage({ kind, after: next });
        found += page.found;
        repaired += page.repaired;
        next = page.next;
      } while (next !== null);
      return { found, repaired, next };
    },
    findings: async (subject) =>
      (await listFindings(db, { limit: 1_000 })).filter((finding) => finding.subject === subject),
    task: (prompt, sessionKey) => submit(db, prompt, sessionKey ?? null),
    async claimed(taskId) {
      const claims = await claimFrom(db, gateway);
      const claim = claims.find((one) => one.taskId === taskId);
      if (claim === undefined) throw new Error(`${taskId} was not claimed`);
      return claim;
    },
    async row(taskId) {
      const task = await getTask(db, taskId);
      if (task === null) throw new Error(`${taskId} is gone`);
      return task;
    },
    swarm: () => acceptPlainSwarm(db),
    async age(table, column, id) {
      await db.rows(
        `update dash.${table} set ${column} = now() - interval '2 minutes' where id::text = $1`,
        [id],
      );
    },
    async start(type, workflowId) {
      await client.workflow.start(type, { workflowId, taskQueue: CONTROL_QUEUE, args: [{}] });
    },
    told: (workflowId) => client.workflow.getHandle(workflowId).query('told'),
  };
}

async function submit(db: Database, prompt: string, sessionKey: string | null): Promise<string> {
  const accepted = await acceptTask(db, {
    id: newId('task'),
    tenant: 'default',
    pool: 'default',
    sessionKey,
    agent: 'main',
    prompt,
    priority: 3,
    notBefore: null,
    queueLimitSeconds: null,
    deadlineAt: null,
    runLimitSeconds: 600,
    maxAttempts: 3,
    idempotent: false,
    correlationId: 'test',
    idempotency: null,
    actor: 'test',
  });
  if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
  return accepted.task.id;
}

async function acceptPlainSwarm(db: Database): Promise<string> {
  const id = newId('swarm');
  await acceptSwarm(db, {
    id,
    tenant: 'default',
    name: 's',
    spec: {},
    onFailure: 'continue',
    maxParallel: 1,
    nodes: [{ nodeId: 'a', dependsOn: [], pool: 'default', template: {} }],
    correlationId: 'test',
    idempotency: null,
    actor: null,
  });
  return id;
}
