import { beforeEach, describe, expect, it } from '@jest/globals';
import { acceptTask } from '../../../src/db/accept.ts';
import { replayDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { getGateway } from '../../../src/db/gateway-store.ts';
import { deletePool, getPool, putPool } from '../../../src/db/pool-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { acceptSwarm, admitSwarmNode, finishSwarm } from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, completed, dead, emptyDatabase, openGateway } from './support.ts';
import { taskOf } from './support.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

const GPU = { kind: 'gpu' };
const requiring = (requirements: object, fields: object = {}) =>
  taskOf({ pool: null, requirements, ...fields });

describe('pools', () => {
  it('have the gateways with all labels and capabilities, in one of the regions (R21)', async () => {
    const { db } = database();
    await openGateway(db, 'a', { labels: GPU, region: 'eu-1', capabilities: ['web', 'code'] });
    await openGateway(db, 'b', { labels: GPU, region: 'us-1', capabilities: ['web'] });
    await openGateway(db, 'c', { capabilities: ['web', 'code'] });
    await putPool(db, { id: 'gpu', matchLabels: GPU });
    await putPool(db, { id: 'eu', matchRegions: ['eu-1', 'eu-2'] });
    await putPool(db, { id: 'coders', matchCapabilities: ['code', 'web'] });
    await putPool(db, { id: 'all', matchLabels: GPU, matchRegions: ['eu-1'] });
    const poolsOf = async (id: string) => (await getGateway(db, id))?.pools;
    expect(await poolsOf('a')).toEqual(['all', 'coders', 'default', 'eu', 'gpu']);
    expect(await poolsOf('b')).toEqual(['default', 'gpu']);
    expect(await poolsOf('c')).toEqual(['coders', 'default']);
    expect(await getPool(db, 'gpu')).toMatchObject({ gateways: 2, matchRegions: null });
    // What a pool selects may change: its gateways, and the next claim, follow.
    await putPool(db, { id: 'gpu', matchRegions: ['us-1'] });
    const { id } = await accept(db, { pool: 'gpu' });
    expect((await getGateway(db, 'a'))?.pools).not.toContain('gpu');
    const gateways = await Promise.all(['a', 'b'].map((one) => getGateway(db, one)));
    const offered = gateways.map((one) => ({
      gatewayId: one!.id,
      ownerEpoch: one!.ownerEpoch,
      lanes: 4,
      score: one!.id === 'a' ? 9 : 1,
      reasons: [],
    }));
    expect(await claim(db, offered)).toMatchObject([{ taskId: id, gatewayId: 'b' }]);
  });

  it('refuse work of a tenant that they do not take, at accept and, once narrowed, at the claim (R21)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'a');
    await putPool(db, { id: 'lab', allowedTenants: ['lab', 'guests'] });
    expect(await acceptTask(db, taskOf({ tenant: 'x', pool: 'lab' }))).toEqual({
      kind: 'tenant-not-in-pool',
      pool: 'lab',
      tenant: 'x',
      pools: ['default'],
    });
    const guest = await accept(db, { tenant: 'guests', pool: 'lab' });
    await putPool(db, { id: 'lab', allowedTenants: ['lab'] });
    expect(await claim(db, [gateway])).toEqual([]);
    const own = await accept(db, { tenant: 'lab', pool: 'lab' });
    expect((await claim(db, [gateway])).map((one) => one.taskId)).toEqual([own.id]);
    expect(await getTask(db, guest.id)).toMatchObject({ state: 'queued' });
  });

  it('are deleted only when no open task and no waiting node needs them, and never `default`', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'a');
    await putPool(db, { id: 'p' });
    const actor = 'tester';
    expect(await deletePool(db, { id: 'none', actor })).toEqual({ kind: 'not-found' });
    expect(await deletePool(db, { id: 'default', actor })).toMatchObject({ kind: 'refused' });
    const task = await accept(db, { pool: 'p' });
    const swarmId = newId('swarm');
    await acceptSwarm(db, {
      id: swarmId,
      tenant: 'default',
      name: 'n',
      spec: {},
      onFailure: 'continue',
      maxParallel: 1,
      correlationId: 'c',
      idempotency: null,
      actor: null,
      nodes: [{ nodeId: 'a', dependsOn: [], pool: 'p', template: { pool: 'p' } }],
    });
    expect(await deletePool(db, { id: 'p', actor })).toEqual({
      kind: 'refused',
      openTasks: 1,
      waitingNodes: 1,
    });
    const { attemptId } = await claimOne(db, gateway);
    const end = { taskId: task.id, attemptId, attemptOutcome: 'succeeded' as const };
    await settleTask(db, { ...end, end: completed() });
    await finishSwarm(db, { swarmId, state: 'cancelled', reason: null });
    expect(await deletePool(db, { id: 'p', actor })).toEqual({ kind: 'deleted' });
    expect(await getTask(db, task.id)).toMatchObject({ pool: 'p', state: 'completed' });
    expect(await acceptTask(db, taskOf({ pool: 'p' }))).toMatchObject({ kind: 'unknown-pool' });
  });

  it('that are deleted while work is accepted for them leave no open task without a pool', async () => {
    const { db } = database();
    for (let round = 0; round < 15; round += 1) {
      await putPool(db, { id: 'p' });
      const answers = await Promise.all([
        ...Array.from({ length: 4 }, () => acceptTask(db, taskOf({ pool: 'p' }))),
        deletePool(db, { id: 'p', actor: 'tester' }),
      ]);
      const kinds = answers.map((one) => one.kind);
      expect(kinds.includes('deleted') && kinds.includes('accepted')).toBe(false);
      await db.rows('truncate dash.tasks, dash.task_counts cascade');
    }
  });
});

describe('requirements', () => {
  it('resolve to the least specific pool that promises all of them, then by id (R21)', async () => {
    const { db } = database();
    await putPool(db, { id: 'b-gpu', matchLabels: GPU });
    await putPool(db, { id: 'a-gpu', matchLabels: { ...GPU, disk: 'big' } });
    await putPool(db, { id: 'c-gpu', matchLabels: GPU });
    await putPool(db, { id: 'two', matchLabels: GPU, matchRegions: ['eu-1', 'eu-2'] });
    await putPool(db, { id: 'eu', matchRegions: ['eu-1'], matchCapabilities: ['web'] });
    const poolOf = async (requirements: object, fields: object = {}) => {
      const accepted = await acceptTask(db, requiring(requirements, fields));
      return accepted.kind === 'accepted' ? accepted.task.pool : accepted;
    };
    expect(await poolOf({ labels: GPU })).toBe('b-gpu');
    expect(await poolOf({ labels: { disk: 'big' } })).toBe('a-gpu');
    expect(await poolOf({ region: 'eu-1' })).toBe('eu');
    expect(await poolOf({ region: 'eu-1', capabilities: ['web'] })).toBe('eu');
    await putPool(db, { id: 'b-gpu', matchLabels: GPU, allowedTenants: ['other'] });
    expect(await poolOf({ labels: GPU })).toBe('c-gpu');
    expect(await poolOf({ labels: GPU }, { tenant: 'other' })).toBe('b-gpu');
    expect(await poolOf({ labels: GPU, region: 'eu-2' })).toEqual({
      kind: 'unmet-requirements',
      pools: [
        { id: 'a-gpu', lacks: ['region eu-2'] },
        { id: 'c-gpu', lacks: ['region eu-2'] },
        { id: 'two', lacks: ['region eu-2'] },
        { id: 'b-gpu', lacks: ['region eu-2', 'tenant default'] },
        { id: 'default', lacks: ['label kind=gpu', 'region eu-2'] },
        { id: 'eu', lacks: ['label kind=gpu', 'region eu-2'] },
      ],
    });
  });

  it('are kept with the task, and a replay resolves them again (P30)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'a', { labels: GPU });
    await putPool(db, { id: 'old', matchLabels: GPU });
    const accepted = await acceptTask(db, requiring({ labels: GPU }));
    if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
    expect(accepted.task).toMatchObject({ pool: 'old', requirements: { labels: GPU } });
    const { attemptId, taskId } = await claimOne(db, gateway);
    await settleTask(db, { taskId, attemptId, attemptOutcome: 'failed', end: dead() });
    await deletePool(db, { id: 'old', actor: 'tester' });
    expect(await replayDeadLetter(db, { taskId, actor: 'x' })).toMatchObject({
      kind: 'unmet-requirements',
    });
    await putPool(db, { id: 'new', matchLabels: GPU });
    expect(await replayDeadLetter(db, { taskId, actor: 'x' })).toMatchObject({
      kind: 'replayed',
      task: { pool: 'new', requirements: { labels: GPU } },
    });
  });

  it('of a swarm’s node are checked at accept and resolved when it is admitted (P31)', async () => {
    const { db } = database();
    const swarm = (id: string) => ({
      id,
      tenant: 'default',
      name: 'n',
      spec: {},
      onFailure: 'continue' as const,
      maxParallel: 1,
      correlationId: 'c',
      idempotency: null,
      actor: null,
      nodes: [
        { nodeId: 'a', dependsOn: [], pool: 'default', template: {} },
        { nodeId: 'b', dependsOn: [], pool: null, requirements: { labels: GPU }, template: {} },
      ],
    });
    expect(await acceptSwarm(db, swarm(newId('swarm')))).toMatchObject({
      kind: 'unmet-requirements',
    });
    await putPool(db, { id: 'gpu', matchLabels: GPU });
    const swarmId = newId('swarm');
    expect(await acceptSwarm(db, swarm(swarmId))).toMatchObject({ kind: 'accepted' });
    const node = {
      ...taskOf({ pool: null, requirements: { labels: GPU } }),
      swarmId,
      nodeId: 'b',
      taskId: newId('task'),
    };
    expect(await admitSwarmNode(db, node)).toMatchObject({
      kind: 'accepted',
      task: { pool: 'gpu' },
    });
  });
});
