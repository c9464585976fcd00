import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { createSwarmActivities, type SwarmActivities } from '../../../../activities/swarm.ts';
import { newSwarmOf } from '../../../../src/admission/new-work.ts';
import type { Database } from '../../../../src/db/database.ts';
import { acceptSwarm, getSwarm, type SwarmNews } from '../../../../src/db/swarm-store.ts';
import { parseSwarmSpec } from '../../../../src/domain/swarm-spec.ts';
import { systemClock } from '../../../../src/platform/clock.ts';
import { withDatabase } from '../../../support/database.ts';
import {
  openRowGateway,
  startRowExecutor,
  type RowExecutor,
  type RowGateway,
  type Verdict,
} from '../../../support/row-executor.ts';
import { connectTestTemporal, type RunningWorker, type TestTemporal } from './temporal.ts';

/** Real rows, a real Temporal, and an executor that carries tasks to their end in rows alone. */
export interface SwarmWorld {
  readonly db: Database;
  readonly temporal: TestTemporal;
  readonly gateway: RowGateway;
  /** Accepts a swarm and starts its workflow, as the api does. */
  submit(spec: object): Promise<RunningSwarm>;
  /** Carries tasks to their end until the test is over. */
  execute(decide: (prompt: string, nodeId: string) => Verdict): RowExecutor;
  /** A control worker; ends with the test at the latest. */
  work(options?: {
    readonly maxCachedWorkflows?: number;
    readonly admitAtMost?: number;
    readonly wrap?: (activities: SwarmActivities) => SwarmActivities;
  }): Promise<RunningWorker>;
}

export interface RunningSwarm {
  readonly swarmId: string;
  readonly handle: ReturnType<TestTemporal['client']['workflow']['getHandle']>;
  /** How it ended, by its workflow. */
  end(): Promise<unknown>;
  rows(): Promise<SwarmNews>;
  /** Node id → state. */
  states(): Promise<Record<string, string>>;
}

const workflowsPath = join(import.meta.dirname, '../../../../workflows/swarm.ts');

/** `shared`: one control worker for the whole file; else each test starts its own with `work`. */
export function withSwarmWorld(options: { worker?: 'shared' } = {}): () => SwarmWorld {
  const database = withDatabase();
  let temporal: TestTemporal;
  let gateway: RowGateway;
  let shared: RunningWorker | undefined;
  const ending: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    temporal = await connectTestTemporal(workflowsPath);
    gateway = await openRowGateway(database().db, { gatewayId: 'g1' });
    if (options.worker === 'shared') {
      shared = await temporal.startWorker({
        taskQueue: `${temporal.prefix}-control`,
        activities: swarmActivities(database().db),
      });
    }
  });
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });
  afterAll(async () => {
    await shared?.stop();
    await temporal?.close();
  });

  return () => {
    const { db } = database();
    const taskQueue = `${temporal.prefix}-control`;
    const tell = (swarmId: string): Promise<void> =>
      temporal.client.workflow
        .getHandle(`swarm/${swarmId}`)
        .signal('news')
        .catch(() => undefined);
    return {
      db,
      temporal,
      gateway,
      submit: (spec) => submit(db, temporal, taskQueue, spec),
      execute(decide) {
        const executor = startRowExecutor({ db, gateway, decide, onSwarmNews: tell });
        ending.push(executor.close);
        return executor;
      },
      async work({ wrap = unchanged, admitAtMost, maxCachedWorkflows } = {}) {
        const activities = swarmActivities(db, admitAtMost);
        const worker = await temporal.startWorker({
          taskQueue,
          activities: wrap(activities),
          ...(maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows }),
        });
        let stopped: Promise<void> | null = null;
        const stop = (): Promise<void> => (stopped ??= worker.stop());
        ending.push(stop);
        return { stop };
      },
    };
  };
}

function swarmActivities(db: Database, admitAtMost?: number): SwarmActivities {
  return createSwarmActivities({
    db,
    clock: systemClock(),
    // Nothing in these tests carries tasks but the executor, which reads the rows.
    signalTaskCancel: async () => undefined,
    ...(admitAtMost === undefined ? {} : { admitAtMost }),
  });
}

const unchanged = (activities: SwarmActivities): SwarmActivities => activities;

async function submit(
  db: Database,
  temporal: TestTemporal,
  taskQueue: string,
  written: object,
): Promise<RunningSwarm> {
  const parsed = parseSwarmSpec(written);
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const swarm = newSwarmOf(parsed, written, {
    tenant: parsed.spec.tenant ?? 'default',
    correlationId: 'test',
    idempotency: null,
    actor: 'test',
  });
  const swarmId = swarm.id;
  const accepted = await acceptSwarm(db, swarm);
  if (accepted.kind !== 'accepted') throw new Error(JSON.stringify(accepted));
  const handle = await temporal.client.workflow.start('swarmWorkflow', {
    workflowId: `swarm/${swarmId}`,
    taskQueue,
    args: [{ swarmId }],
    // Tests end workers on purpose: what they had taken up comes back after this.
    workflowTaskTimeout: '2s',
  });
  const rows = async (): Promise<SwarmNews> => {
    const news = await getSwarm(db, swarmId);
    if (news === null) throw new Error(`swarm ${swarmId} is gone`);
    return news;
  };
  return {
    swarmId,
    handle: temporal.client.workflow.getHandle(handle.workflowId),
    end: () => handle.result(),
    rows,
    states: async () =>
      Object.fromEntries((await rows()).nodes.map(({ nodeId, state }) => [nodeId, state])),
  };
}
