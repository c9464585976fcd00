import { beforeEach, describe, expect, it } from '@jest/globals';
import { beginSending } from '../../../src/db/attempt-run.ts';
import {
  allocateOwnerEpoch,
  readOwnerEpoch,
  setClaimsOpen,
  takeOwnership,
} from '../../../src/db/gateway-ownership.ts';
import {
  clearStarts,
  recentStarts,
  getGateway,
  listGateways,
  readSealedToken,
  recordObservation,
  recordStart,
  registerGateway,
  removeGateway,
  setDesiredState,
  writeGatewayState,
  writeSealedToken,
} from '../../../src/db/gateway-store.ts';
import { listPools, putPool } from '../../../src/db/pool-store.ts';
import { closeAttempt } from '../../../src/db/attempt-run.ts';
import { requeueTask } from '../../../src/db/retry-queue.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const sealedToken = Buffer.from([1, 2, 3, 255]);

describe('registering a gateway', () => {
  it('stores it with its token sealed, which no read answers (R37)', async () => {
    const { db } = database();
    const registered = await registerGateway(db, {
      id: 'g1',
      kind: 'managed',
      endpoint: 'ws://127.0.0.1:18789',
      profile: { stateDir: '/x' },
      labels: { region: 'eu' },
      capabilities: ['browser'],
      region: 'eu-1',
      allowedTenants: ['a'],
      configuredLanes: 6,
      sealedToken,
      actor: 'ann',
    });
    expect(registered).toMatchObject({
      kind: 'registered',
      gateway: {
        id: 'g1',
        kind: 'managed',
        labels: { region: 'eu' },
        capabilities: ['browser'],
        allowedTenants: ['a'],
        lanes: { configured: 6, reported: null, held: 0, foreign: 0, free: 6 },
        pools: ['default'],
        state: 'registered',
        desiredState: 'running',
        ownerEpoch: 0,
      },
    });
    expect(await readSealedToken(db, 'g1')).toEqual(sealedToken);
    await writeSealedToken(db, { gatewayId: 'g1', sealedToken: Buffer.from([9]) });
    expect(await readSealedToken(db, 'g1')).toEqual(Buffer.from([9]));
    expect(JSON.stringify(await listGateways(db))).not.toMatch(/sealed|token/i);
  });

  it('never uses an id twice, not even of a gateway that was removed (R18)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    expect(await removeGateway(db, { gatewayId: 'g1', actor: 'ann' })).toEqual({ kind: 'removed' });
    const again = await registerGateway(db, {
      id: 'g1',
      kind: 'adopted',
      endpoint: 'ws://x',
      configuredLanes: 1,
      actor: 'ann',
    });
    expect(again).toMatchObject({ kind: 'exists', gateway: { state: 'removed' } });
    expect(await listGateways(db)).toEqual([]);
    expect(await listGateways(db, { includeRemoved: true })).toHaveLength(1);
  });
});

describe('ownership', () => {
  it('hands out a new epoch to each hold, also to two at once, and it is taken only if greater (P25)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const allocated = await Promise.all(
      Array.from({ length: 10 }, () => allocateOwnerEpoch(db, { gatewayId: 'g1' })),
    );
    const epochs = allocated.map((each) => (each.kind === 'allocated' ? each.ownerEpoch : 0));
    expect(epochs.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(allocated[0]).toMatchObject({ gatewayKind: 'adopted', lastHost: 'host-1' });
    expect(await readOwnerEpoch(db, 'g1')).toEqual({ ownerEpoch: 1, ownerHost: 'host-1' });
    const take = { gatewayId: 'g1', hostId: 'host-2', ownerEpoch: 5 };
    expect(await takeOwnership(db, take)).toEqual({ kind: 'taken' });
    expect(await takeOwnership(db, take)).toEqual({ kind: 'taken' });
    expect(await takeOwnership(db, { ...take, hostId: 'host-3' })).toEqual({
      kind: 'superseded',
      ownerEpoch: 5,
      ownerHost: 'host-2',
    });
    expect(await takeOwnership(db, { ...take, ownerEpoch: 3 })).toMatchObject({
      kind: 'superseded',
    });
    expect(await takeOwnership(db, { ...take, gatewayId: 'gx' })).toEqual({ kind: 'not-found' });
  });

  it('of a take-over and a write of the old owner that race, none is written after it (P25)', async () => {
    const { db } = database();
    const other = database().connect('next owner');
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    let { ownerEpoch } = gateway;
    for (let round = 0; round < 15; round += 1) {
      await accept(db);
      const { attemptId } = await claimOne(db, { ...gateway, ownerEpoch });
      const allocated = await allocateOwnerEpoch(db, { gatewayId: 'g1' });
      if (allocated.kind !== 'allocated') throw new Error(allocated.kind);
      const [sending, seen] = await Promise.all([
        beginSending(db, { attemptId, ownerEpoch, runId: 'r', bootId: 'b', stateId: 's' }),
        takeOwnership(other, {
          gatewayId: 'g1',
          hostId: 'host-1',
          ownerEpoch: allocated.ownerEpoch,
        }).then(() =>
          other.rows<{ state: string }>('select state from dash.attempts where id = $1', [
            attemptId,
          ]),
        ),
      ]);
      // Whatever the old owner committed, the new one sees when it has taken the gateway.
      expect(seen).toEqual([{ state: sending.kind === 'ok' ? 'sending' : 'planned' }]);
      ownerEpoch = allocated.ownerEpoch;
    }
  });

  it('refuses state and observations of an older owner (P25)', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const state = {
      gatewayId: 'g1',
      ownerEpoch: 7,
      state: 'degraded',
      reason: 'slow',
      hint: null,
      failure: null,
    } as const;
    expect(await writeGatewayState(db, state)).toEqual({ kind: 'superseded-owner', ownerEpoch: 1 });
    expect(
      await recordObservation(db, { gatewayId: 'g1', ownerEpoch: 7, foreignRuns: 3 }),
    ).toMatchObject({
      kind: 'superseded-owner',
    });
    expect(await writeGatewayState(db, { ...state, gatewayId: 'gx' })).toEqual({
      kind: 'not-found',
    });
  });
});

describe('a gateway’s state', () => {
  it('makes an event when it changes, and none when it is written again', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    const failed = {
      gatewayId: 'g1',
      ownerEpoch: 1,
      state: 'failed',
      failure: 'auth',
      reason: 'token refused',
      hint: 'Set the token again.',
    } as const;
    expect(await writeGatewayState(db, failed)).toEqual({ kind: 'ok', changed: true });
    expect(await writeGatewayState(db, failed)).toEqual({ kind: 'ok', changed: false });
    expect(await getGateway(db, 'g1')).toMatchObject({
      state: 'failed',
      failure: 'auth',
      stateReason: 'token refused',
      hint: 'Set the token again.',
    });
    const told = await db.rows(
      `select data->>'from' as "from" from dash.events where data->>'state' = 'failed'`,
    );
    expect(told).toEqual([{ from: 'open' }]);
    expect(
      await setDesiredState(db, { gatewayId: 'g1', desired: 'drained', actor: 'ann' }),
    ).toEqual({
      kind: 'ok',
      changed: true,
    });
    expect(
      await setDesiredState(db, { gatewayId: 'g1', desired: 'drained', actor: 'ann' }),
    ).toEqual({
      kind: 'ok',
      changed: false,
    });
  });

  it('keeps what was seen, and leaves what is not mentioned', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 6 });
    await recordObservation(db, {
      gatewayId: 'g1',
      ownerEpoch: 1,
      reportedLanes: 4,
      foreignRuns: 1,
      bootId: 'b',
      stateId: 's',
      version: '2026.9.6',
      protocol: 4,
      process: { pid: 7 },
      endpoint: 'ws://127.0.0.1:2',
    });
    await recordObservation(db, { gatewayId: 'g1', bootId: null });
    expect(await getGateway(db, 'g1')).toMatchObject({
      lanes: { configured: 6, reported: 4, held: 0, foreign: 1, free: 3 },
      bootId: null,
      stateId: 's',
      version: '2026.9.6',
      protocol: 4,
      process: { pid: 7 },
      endpoint: 'ws://127.0.0.1:2',
      lastSeenAt: expect.any(String),
    });
  });

  it('counts unclean starts of the last minutes, until a person says recover', async () => {
    const { db } = database();
    await openGateway(db, 'g1');
    for (let index = 0; index < 3; index += 1)
      await recordStart(db, { gatewayId: 'g1', reason: 'crash' });
    await db.rows(`update dash.gateway_starts set started_at = now() - interval '10 minutes'
                   where ctid = (select min(ctid) from dash.gateway_starts)`);
    expect(await recentStarts(db, { gatewayId: 'g1', withinSeconds: 300 })).toHaveLength(2);
    await clearStarts(db, 'g1');
    expect(await recentStarts(db, { gatewayId: 'g1', withinSeconds: 3600 })).toEqual([]);
  });
});

describe('draining', () => {
  it('gives back what is planned and leaves what was sent (P38)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    await accept(db);
    const [sent, planned] = await claim(db, [gateway]);
    await beginSending(db, {
      attemptId: sent?.attemptId ?? '',
      ownerEpoch: 1,
      runId: 'r',
      bootId: 'b',
      stateId: 's',
    });
    const closed = await setClaimsOpen(db, { gatewayId: 'g1', open: false, reason: 'drain' });
    expect(closed).toEqual({
      kind: 'ok',
      released: [
        { attemptId: planned?.attemptId, result: { kind: 'released', taskState: 'queued' } },
      ],
    });
    expect(await getTask(db, sent?.taskId ?? '')).toMatchObject({ state: 'dispatched' });
    expect(await setClaimsOpen(db, { gatewayId: 'g1', open: true, reason: 'undrain' })).toEqual({
      kind: 'ok',
      released: [],
    });
    expect(await claim(db, [gateway])).toHaveLength(1);
    expect(await setClaimsOpen(db, { gatewayId: 'gx', open: true, reason: '' })).toMatchObject({
      kind: 'not-found',
    });
  });
});

describe('removing a gateway', () => {
  it('is refused while an attempt is open there, a session or a retry is pinned there (R18)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db, { sessionKey: 's' });
    const { taskId } = await accept(db).then((task) => ({ taskId: task.id }));
    const claims = await claim(db, [gateway]);
    const attemptId = claims.find((each) => each.taskId === taskId)?.attemptId ?? '';
    await beginSending(db, { attemptId, ownerEpoch: 1, runId: 'r', bootId: 'b', stateId: 's' });
    await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'failed' });
    await requeueTask(db, { taskId, attemptId });
    expect(await removeGateway(db, { gatewayId: 'g1', actor: 'ann' })).toEqual({
      kind: 'refused',
      openAttempts: 1,
      pinnedSessions: 1,
      pinnedTasks: 2,
    });
    expect(await removeGateway(db, { gatewayId: 'gx', actor: 'ann' })).toEqual({
      kind: 'not-found',
    });
  });

  it('deletes its token, and nothing ever owns or claims for it again (R18)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { sealedToken });
    await accept(db);
    await removeGateway(db, { gatewayId: 'g1', actor: 'ann' });
    expect(await readSealedToken(db, 'g1')).toBeNull();
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await allocateOwnerEpoch(db, { gatewayId: 'g1' })).toEqual({ kind: 'removed' });
    expect(await takeOwnership(db, { gatewayId: 'g1', hostId: 'h', ownerEpoch: 99 })).toEqual({
      kind: 'removed',
    });
    expect(
      await writeGatewayState(db, {
        gatewayId: 'g1',
        state: 'open',
        reason: null,
        hint: null,
        failure: null,
      }),
    ).toMatchObject({ kind: 'superseded-owner' });
    expect(await removeGateway(db, { gatewayId: 'g1', actor: 'ann' })).toEqual({ kind: 'removed' });
  });
});

describe('pools', () => {
  it('are listed, made and changed', async () => {
    const { db } = database();
    await putPool(db, { id: 'eu', matchLabels: { region: 'eu' } });
    await putPool(db, { id: 'eu', matchLabels: { region: 'eu', kind: 'gpu' } });
    await openGateway(db, 'g1', { labels: { region: 'eu', kind: 'gpu', more: 'x' } });
    expect((await listPools(db)).map((pool) => [pool.id, pool.matchLabels])).toEqual([
      ['default', {}],
      ['eu', { region: 'eu', kind: 'gpu' }],
    ]);
    expect((await getGateway(db, 'g1'))?.pools).toEqual(['default', 'eu']);
  });
});
