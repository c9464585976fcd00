import { beforeEach, describe, expect, it } from '@jest/globals';
import { requestCancel } from '../../../src/db/cancel.ts';
import { closeAttempt } from '../../../src/db/attempt-run.ts';
import type { Database } from '../../../src/db/database.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { requeueTask } from '../../../src/db/retry-queue.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { markNode, readNodeOutputs, readNodeTemplates } from '../../../src/db/swarm-node-store.ts';
import {
  acceptSwarm,
  admitSwarmNode,
  finishSwarm,
  getSwarm,
  holdSwarmTasks,
  listSwarms,
  openSwarmTasks,
  releaseSwarmTasks,
  requestSwarmCancel,
  setSwarmMaxParallel,
  setSwarmState,
  takeNews,
  type AdmitResult,
  type NewSwarm,
} from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, dead, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

function swarmOf(fields: Partial<NewSwarm> = {}): NewSwarm {
  return {
    id: newId('swarm'),
    tenant: 'default',
    name: 'three and one',
    spec: { strategy: 'dag' },
    onFailure: 'fail-fast',
    maxParallel: 3,
    nodes: ['a', 'b', 'c'].map((nodeId) => ({
      nodeId,
      dependsOn: nodeId === 'c' ? ['a', 'b'] : [],
      pool: 'default',
      template: { prompt: nodeId },
    })),
    correlationId: 'c-1',
    idempotency: null,
    actor: 'tester',
    ...fields,
  };
}

async function running(db: Database, fields: Partial<NewSwarm> = {}): Promise<string> {
  const result = await acceptSwarm(db, swarmOf(fields));
  if (result.kind !== 'accepted') throw new Error(result.kind);
  return result.swarm.id;
}

function admit(
  db: Database,
  swarmId: string,
  nodeId: string,
  sessionKey: string | null = null,
): Promise<AdmitResult> {
  return admitSwarmNode(db, {
    swarmId,
    nodeId,
    taskId: newId('task'),
    pool: 'default',
    sessionKey,
    agent: 'main',
    prompt: `do ${nodeId}`,
    priority: 3,
    runLimitSeconds: 60,
    maxAttempts: 3,
    idempotent: false,
  });
}

async function admitted(
  db: Database,
  swarmId: string,
  nodeId: string,
  sessionKey: string | null = null,
): Promise<string> {
  const result = await admit(db, swarmId, nodeId, sessionKey);
  if (result.kind !== 'accepted') throw new Error(result.kind);
  return result.task.id;
}

describe('accepting a swarm', () => {
  it('stores its graph, dirty from the start, and one event (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    const swarm = await getSwarm(db, swarmId);
    expect(swarm?.swarm).toMatchObject({
      state: 'running',
      dirty: true,
      workflowId: `swarm/${swarmId}`,
      nodeCounts: { waiting: 3, admitted: 0, completed: 0, failed: 0, skipped: 0 },
    });
    expect(swarm?.nodes.map((node) => [node.nodeId, node.dependsOn, node.state])).toEqual([
      ['a', [], 'waiting'],
      ['b', [], 'waiting'],
      ['c', ['a', 'b'], 'waiting'],
    ]);
    expect(await readNodeTemplates(db, swarmId, ['b', 'c'])).toEqual(
      new Map([
        ['b', { prompt: 'b' }],
        ['c', { prompt: 'c' }],
      ]),
    );
    expect(
      (await listSwarms(db, { limit: 10, states: ['running'] })).map((each) => each.id),
    ).toEqual([swarmId]);
    expect(await listSwarms(db, { limit: 10, states: ['paused'] })).toEqual([]);
  });

  it('is idempotent by key; another content is a conflict; an unknown pool is named (R9)', async () => {
    const { db } = database();
    const idempotency = { key: 'k', requestHash: 'h' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => acceptSwarm(db, swarmOf({ idempotency }))),
    );
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
    expect(answers.filter((answer) => answer.kind === 'existing')).toHaveLength(19);
    expect(
      await acceptSwarm(db, swarmOf({ idempotency: { key: 'k', requestHash: 'other' } })),
    ).toMatchObject({ kind: 'conflict' });
    const nodes = [{ nodeId: 'a', dependsOn: [], pool: 'gpu', template: {} }];
    expect(await acceptSwarm(db, swarmOf({ nodes }))).toEqual({
      kind: 'unknown-pool',
      pool: 'gpu',
      tenant: 'default',
      pools: ['default'],
    });
  });
});

describe('admitting a node', () => {
  it('makes one task, however often and from how many sides it is asked (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    const answers = await Promise.all(Array.from({ length: 20 }, () => admit(db, swarmId, 'a')));
    expect(answers.filter((answer) => answer.kind === 'accepted')).toHaveLength(1);
    const ids = answers.map((answer) => ('task' in answer ? answer.task.id : null));
    expect(new Set(ids).size).toBe(1);
    expect(await getTask(db, ids[0] ?? '')).toMatchObject({
      swarmId,
      nodeId: 'a',
      correlationId: 'c-1',
      state: 'queued',
    });
    expect((await getSwarm(db, swarmId))?.nodes[0]).toMatchObject({
      state: 'admitted',
      taskId: ids[0],
    });
  });

  it('is refused while the swarm is paused, cancelled or ended, and for a node that is settled (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    await setSwarmState(db, { swarmId, state: 'paused', actor: 'ann' });
    expect(await admit(db, swarmId, 'a')).toMatchObject({
      kind: 'not-admitting',
      swarmState: 'paused',
    });
    await setSwarmState(db, { swarmId, state: 'running', actor: 'ann' });
    await markNode(db, { swarmId, nodeId: 'b', state: 'skipped', reason: 'not needed' });
    expect(await admit(db, swarmId, 'b')).toMatchObject({
      kind: 'not-admitting',
      nodeState: 'skipped',
    });
    await requestSwarmCancel(db, { swarmId, actor: 'ann' });
    expect(await admit(db, swarmId, 'a')).toMatchObject({
      kind: 'not-admitting',
      swarmState: 'running',
    });
    expect(await admit(db, swarmId, 'z')).toEqual({ kind: 'not-found' });
    expect(await admit(db, 'swarm-x', 'a')).toEqual({ kind: 'not-found' });
    expect(await db.rows('select 1 from dash.tasks')).toEqual([]);
    expect(await db.rows('select 1 from dash.task_counts where open > 0')).toEqual([]);
  });

  it('and a cancel of the swarm that race: no task of it is left that the cancel does not find (P31)', async () => {
    const { db } = database();
    const other = database().connect('api');
    for (let round = 0; round < 15; round += 1) {
      const swarmId = await running(db);
      const [, , found] = await Promise.all([
        admit(db, swarmId, 'a', 's'),
        admit(db, swarmId, 'b', 's'),
        requestSwarmCancel(other, { swarmId, actor: 'ann' }).then(() =>
          openSwarmTasks(other, swarmId),
        ),
      ]);
      expect(await openSwarmTasks(db, swarmId)).toEqual(found);
    }
  });

  it('counts against the bound on open tasks (P7)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    await accept(db);
    await setLimits(db, { maxOpenTasks: 1 });
    expect(await admit(db, swarmId, 'a')).toMatchObject({
      kind: 'refused',
      bound: 'max-open-tasks',
    });
    expect((await getSwarm(db, swarmId))?.nodes[0]).toMatchObject({ state: 'waiting' });
    expect((await acceptSwarm(db, swarmOf())).kind).toBe('refused');
  });
});

describe('the news of a swarm', () => {
  it('only the first end after a read makes it dirty, so one signal is sent (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    const a = await admitted(db, swarmId, 'a');
    const b = await admitted(db, swarmId, 'b');
    await takeNews(db, swarmId);
    expect(await settleTask(db, { taskId: a, end: completed('A!') })).toMatchObject({
      swarmId,
      swarmBecameDirty: true,
    });
    expect(await settleTask(db, { taskId: b, end: dead('no luck') })).toMatchObject({
      swarmId,
      swarmBecameDirty: false,
    });
    // Whoever lost its first answer is told again, as long as nobody has read.
    expect(await settleTask(db, { taskId: b, end: dead() })).toMatchObject({
      kind: 'stands',
      swarmBecameDirty: true,
    });
    const news = await takeNews(db, swarmId);
    expect(news?.swarm.dirty).toBe(false);
    expect(news?.nodes).toMatchObject([
      { nodeId: 'a', state: 'completed', taskState: 'completed', reason: null },
      { nodeId: 'b', state: 'failed', taskState: 'dead', reason: 'no luck' },
      { nodeId: 'c', state: 'waiting', taskId: null },
    ]);
    expect(await readNodeOutputs(db, swarmId, ['a', 'b'])).toEqual(new Map([['a', 'A!']]));
  });

  it('are never lost: an end that races the read is read, or makes it dirty again (P31)', async () => {
    const { db } = database();
    const other = database().connect('host');
    for (let round = 0; round < 20; round += 1) {
      const swarmId = await running(db);
      const a = await admitted(db, swarmId, 'a');
      await takeNews(db, swarmId);
      const [news, settled] = await Promise.all([
        takeNews(db, swarmId),
        settleTask(other, { taskId: a, end: completed() }),
      ]);
      const seen = news?.nodes[0]?.state === 'completed';
      const after = await getSwarm(db, swarmId);
      expect(settled.swarmBecameDirty).toBe(true);
      expect(after?.swarm.dirty).toBe(!seen);
    }
  });
});

describe('pausing a swarm', () => {
  it('holds what it has waiting and gives it back to where it belongs (P31)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const swarmId = await running(db);
    const head = await admitted(db, swarmId, 'a', 's');
    const behind = await admitted(db, swarmId, 'b', 's');
    const alone = await admitted(db, swarmId, 'c');
    const outside = await accept(db, { sessionKey: 's' });
    await setSwarmState(db, { swarmId, state: 'paused', actor: 'ann' });
    expect(await holdSwarmTasks(db, swarmId)).toBe(3);
    expect(await holdSwarmTasks(db, swarmId)).toBe(0);
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await getTask(db, outside.id)).toMatchObject({ state: 'waiting' });
    await setSwarmState(db, { swarmId, state: 'running', actor: 'ann' });
    expect(await releaseSwarmTasks(db, swarmId)).toBe(3);
    expect(await getTask(db, head)).toMatchObject({ state: 'queued' });
    expect(await getTask(db, behind)).toMatchObject({ state: 'waiting' });
    expect(await getTask(db, alone)).toMatchObject({ state: 'queued' });
  });

  it('holds also what comes back into the queue meanwhile (P31)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const swarmId = await running(db);
    const taskId = await admitted(db, swarmId, 'a');
    const { attemptId } = await claimOne(db, gateway);
    await setSwarmState(db, { swarmId, state: 'paused', actor: 'ann' });
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    expect(await requeueTask(db, { taskId, attemptId })).toEqual({ kind: 'queued', state: 'held' });
    expect(await requeueTask(db, { taskId, attemptId })).toEqual({ kind: 'queued', state: 'held' });
    expect(await requestCancel(db, { taskId, reason: 'cancelled', actor: 'ann' })).toMatchObject({
      kind: 'settled',
    });
  });
});

describe('ending a swarm', () => {
  it('skips what was never admitted; the first end wins (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    await admitted(db, swarmId, 'a');
    expect(await finishSwarm(db, { swarmId, state: 'failed', reason: 'b failed' })).toMatchObject({
      kind: 'ok',
      swarm: { state: 'failed', stateReason: 'b failed', finishedAt: expect.any(String) },
    });
    expect(await finishSwarm(db, { swarmId, state: 'completed', reason: null })).toMatchObject({
      kind: 'ended',
      swarm: { state: 'failed' },
    });
    expect((await getSwarm(db, swarmId))?.nodes.map((node) => node.state)).toEqual([
      'admitted',
      'skipped',
      'skipped',
    ]);
    for (const result of [
      await setSwarmState(db, { swarmId, state: 'paused', actor: 'ann' }),
      await setSwarmMaxParallel(db, { swarmId, maxParallel: 9, actor: 'ann' }),
      await requestSwarmCancel(db, { swarmId, actor: 'ann' }),
    ]) {
      expect(result.kind).toBe('ended');
    }
    expect(await takeNews(db, 'swarm-x')).toBeNull();
  });

  it('marks a node that cannot be admitted, once (P31)', async () => {
    const { db } = database();
    const swarmId = await running(db);
    const mark = {
      swarmId,
      nodeId: 'c',
      state: 'failed',
      reason: 'prompt of 300 KiB is over the limit',
    } as const;
    expect(await markNode(db, mark)).toEqual({ kind: 'ok' });
    expect(await markNode(db, { ...mark, state: 'skipped' })).toEqual({
      kind: 'stands',
      state: 'failed',
    });
    expect(await setSwarmMaxParallel(db, { swarmId, maxParallel: 9, actor: 'ann' })).toMatchObject({
      kind: 'ok',
      swarm: { maxParallel: 9 },
    });
  });
});
