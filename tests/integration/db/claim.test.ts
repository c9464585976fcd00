import { beforeEach, describe, expect, it } from '@jest/globals';
import { readAttempt, taskAttempts } from '../../../src/db/attempt-record.ts';
import { freeLane } from '../../../src/db/attempt-decision.ts';
import { closeAttempt, releaseAttempt } from '../../../src/db/attempt-run.ts';
import {
  allocateOwnerEpoch,
  setClaimsOpen,
  takeOwnership,
} from '../../../src/db/gateway-ownership.ts';
import { recordObservation, writeGatewayState } from '../../../src/db/gateway-store.ts';
import { setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import { putPool } from '../../../src/db/pool-store.ts';
import { listFindings } from '../../../src/db/finding-store.ts';
import { getSession } from '../../../src/db/session-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import {
  HOST,
  accept,
  claim,
  claimOne,
  completed,
  emptyDatabase,
  openGateway,
  own,
} from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('claim', () => {
  it('answers all that a host needs to start the workflow, and commits the attempt as planned (P10)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const task = await accept(db, { priority: 2, correlationId: 'c-9', runLimitSeconds: 60 });
    const claimed = await claimOne(db, gateway);
    expect(claimed).toEqual({
      attemptId: expect.any(String),
      attemptNumber: 1,
      taskId: task.id,
      workflowId: `task/${task.id}`,
      gatewayId: 'g1',
      ownerEpoch: 1,
      tenant: 'default',
      swarmId: null,
      correlationId: 'c-9',
      runLimitSeconds: 60,
      priority: 2,
      cancelRequested: null,
      acceptedAt: task.createdAt,
    });
    const attempt = await readAttempt(db, claimed.attemptId);
    expect(attempt).toMatchObject({ state: 'planned', holdsLane: true, ownerEpoch: 1 });
    expect(attempt?.task).toMatchObject({ state: 'dispatched', attemptsUsed: 1 });
  });

  it('stores score and reasons of the router with the attempt (P12)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const { id } = await accept(db);
    await claim(db, [{ ...gateway, score: 0.25, reasons: ['warm', 'cheap'] }]);
    const [attempt] = await taskAttempts(db, id);
    expect(attempt?.route).toEqual({ score: 0.25, reasons: ['warm', 'cheap'] });
  });

  it('never opens a second attempt under a cap of one, with many claims of two hosts at once (P9)', async () => {
    const { db } = database();
    const other = database().connect('host-2', 20);
    await setLimits(db, { maxRunningPerTenant: 1 });
    const first = await openGateway(db, 'g1', { configuredLanes: 50 });
    const second = await openGateway(db, 'g2', { configuredLanes: 50, hostId: 'host-2' });
    for (let round = 0; round < 10; round += 1) await accept(db);
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          index % 2 === 0 ? claim(db, [first]) : claim(other, [second], 100, 'host-2'),
        ),
      );
      const claims = answers.flat();
      expect(claims).toHaveLength(1);
      for (const { attemptId, taskId } of claims) {
        await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
      }
    }
  });

  it('never fills more than the one free lane, with many claims at once (P9)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    for (let index = 0; index < 5; index += 1) await accept(db);
    const answers = await Promise.all(Array.from({ length: 30 }, () => claim(db, [gateway])));
    expect(answers.flat()).toHaveLength(1);
  });

  it('claims nothing with an epoch that is not the owner’s, or for another host (P10)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    expect(await claim(db, [{ ...gateway, ownerEpoch: gateway.ownerEpoch + 1 }])).toEqual([]);
    expect(await claim(db, [gateway], 10, 'host-2')).toEqual([]);
    const next = await own(db, 'g1', 'host-2');
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await claim(db, [next], 10, 'host-2')).toHaveLength(1);
  });

  it('of a take-over and a claim that race, no claim of the old owner is committed after it (P10)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 1000 });
    for (let round = 0; round < 8; round += 1) {
      const hostId = `host-${round % 2}`;
      const mine = await own(db, 'g1', hostId);
      for (let index = 0; index < 5; index += 1) await accept(db);
      const allocated = await allocateOwnerEpoch(db, { gatewayId: 'g1' });
      if (allocated.kind !== 'allocated') throw new Error('no epoch');
      await Promise.all([
        ...Array.from({ length: 5 }, () => claim(db, [mine], 1, hostId)),
        takeOwnership(db, { gatewayId: 'g1', hostId: 'thief', ownerEpoch: allocated.ownerEpoch }),
      ]);
      const late = await db.rows(
        `select a.id from dash.attempts a
         join dash.events claimed on claimed.attempt_id = a.id and claimed.type = 'task.dispatched'
         join dash.events taken on taken.type = 'gateway.owner' and (taken.data->>'epoch')::bigint > a.owner_epoch
         where taken.seq < claimed.seq`,
      );
      expect(late).toEqual([]);
    }
  });

  it('counts free lanes as min(configured, reported) − held − foreign, and never above the offer (P11)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 6 });
    for (let index = 0; index < 10; index += 1) await accept(db);
    await recordObservation(db, { gatewayId: 'g1', reportedLanes: 5, foreignRuns: 1 });
    expect(await claim(db, [{ ...gateway, lanes: 3 }])).toHaveLength(3);
    expect(await claim(db, [gateway])).toHaveLength(1);
    expect(await claim(db, [gateway])).toHaveLength(0);
    await recordObservation(db, { gatewayId: 'g1', foreignRuns: 0 });
    expect(await claim(db, [gateway])).toHaveLength(1);
  });

  it.each([
    ['draining', false],
    ['cordoned', false],
    ['unreachable', false],
    ['degraded', true],
    ['open', true],
  ] as const)('claims for a gateway that is %s: %s (P11)', async (state, claims) => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    await writeGatewayState(db, {
      gatewayId: 'g1',
      state,
      reason: null,
      hint: null,
      failure: null,
    });
    expect(await claim(db, [gateway])).toHaveLength(claims ? 1 : 0);
  });

  it('claims nothing while the fleet is paused (P9)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    await setFleetPaused(db, { paused: true, actor: 'tester' });
    expect(await claim(db, [gateway])).toEqual([]);
    await setFleetPaused(db, { paused: false, actor: 'tester' });
    expect(await claim(db, [gateway])).toHaveLength(1);
  });

  it('claims nothing for a gateway once its claims are closed, however many claims race it (P38)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    for (let index = 0; index < 40; index += 1) await accept(db);
    const racing = Array.from({ length: 10 }, () => claim(db, [gateway], 2));
    const closed = await setClaimsOpen(db, { gatewayId: 'g1', open: false, reason: 'drain' });
    await Promise.all(racing);
    expect(closed.kind).toBe('ok');
    expect(await db.rows(`select 1 from dash.attempts where open`)).toEqual([]);
    expect(await claim(db, [gateway])).toEqual([]);
    expect(await db.rows(`select 1 from dash.tasks where state = 'queued'`)).toHaveLength(40);
  });

  it('stops at the caps on running work, of a tenant and in total (R17)', async () => {
    const { db } = database();
    await setLimits(db, { maxRunningPerTenant: 2, maxRunningTotal: 3 });
    const gateway = await openGateway(db, 'g1', { configuredLanes: 50 });
    for (const tenant of ['a', 'a', 'a', 'b', 'b', 'b']) await accept(db, { tenant });
    const claims = await claim(db, [gateway]);
    expect(claims.map((one) => one.tenant)).toEqual(['a', 'b', 'a']);
    await setLimits(db, { maxRunningTotal: null });
    expect((await claim(db, [gateway])).map((one) => one.tenant)).toEqual(['b']);
  });

  it('gives a lane of an indeterminate attempt that was seen idle to the next (P11)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    await accept(db);
    await accept(db);
    const first = await claimOne(db, gateway);
    await db.call('mark_indeterminate', {
      attemptId: first.attemptId,
      reason: 'vanished',
      evidence: null,
      keepLane: true,
    });
    expect(await claim(db, [gateway])).toEqual([]);
    const row = await readAttempt(db, first.attemptId);
    const { attemptId, indeterminateAt } = row!;
    await freeLane(db, { attemptId, ownerEpoch: 1, indeterminateAt });
    expect(await claim(db, [gateway])).toHaveLength(1);
  });

  it('claims by label containment, and only for tenants that the gateway allows (P12)', async () => {
    const { db } = database();
    await putPool(db, { id: 'gpu', matchLabels: { kind: 'gpu' } });
    const plain = await openGateway(db, 'plain', { labels: { kind: 'cpu' } });
    const gpu = await openGateway(db, 'gpu', {
      labels: { kind: 'gpu', region: 'eu' },
      allowedTenants: ['a'],
    });
    const forB = await accept(db, { pool: 'gpu', tenant: 'b' });
    const forA = await accept(db, { pool: 'gpu', tenant: 'a' });
    expect(await claim(db, [plain])).toEqual([]);
    expect((await claim(db, [plain, gpu])).map((one) => one.taskId)).toEqual([forA.id]);
    expect(await getTask(db, forB.id)).toMatchObject({ state: 'queued' });
  });

  it('among the gateways that fit the best score wins, then most free lanes, then the id (P12)', async () => {
    const { db } = database();
    const a = await openGateway(db, 'a', { configuredLanes: 2 });
    const b = await openGateway(db, 'b', { configuredLanes: 3 });
    const c = await openGateway(db, 'c', { configuredLanes: 1 });
    for (let index = 0; index < 6; index += 1) await accept(db);
    const claims = await claim(db, [a, b, { ...c, score: 2 }]);
    expect(claims.map((one) => one.gatewayId)).toEqual(['c', 'b', 'a', 'b', 'a', 'b']);
  });

  it('pins a session at its first claim, and no other gateway ever claims from it (R3)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'one');
    const two = await openGateway(db, 'two');
    for (let index = 0; index < 3; index += 1) await accept(db, { sessionKey: 's' });
    for (let index = 0; index < 3; index += 1) {
      expect(await claim(db, index === 0 ? [two] : [one])).toHaveLength(index === 0 ? 1 : 0);
      const [again] = index === 0 ? [] : await claim(db, [one, two]);
      const attempts = await db.rows<{ task_id: string; id: string; gateway_id: string }>(
        'select id, task_id, gateway_id from dash.attempts where open',
      );
      expect(attempts).toHaveLength(1);
      expect(attempts[0]?.gateway_id).toBe('two');
      expect(again?.gatewayId ?? 'two').toBe('two');
      await settleTask(db, {
        taskId: attempts[0]?.task_id ?? '',
        attemptId: attempts[0]?.id ?? '',
        attemptOutcome: 'succeeded',
        end: completed(),
      });
    }
    expect(await getSession(db, { tenant: 'default', key: 's' })).toMatchObject({
      gatewayId: 'two',
      openTasks: 0,
    });
  });

  it('frees a session that was pinned by an attempt which never ran anything there (P18)', async () => {
    const { db } = database();
    const one = await openGateway(db, 'one');
    const two = await openGateway(db, 'two');
    await accept(db, { sessionKey: 's' });
    const { attemptId } = await claimOne(db, one);
    await releaseAttempt(db, { attemptId, reason: 'not started', from: 'planned' });
    expect(await claim(db, [two])).toHaveLength(1);
  });

  it('blocks a task whose attempt conflicts, records it, and goes on with the batch (P13)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const bad = await accept(db, { priority: 1 });
    const session = await accept(db, { priority: 2, sessionKey: 's' });
    const good = await accept(db, { priority: 3 });
    const claims = await claim(db, [gateway]);
    expect(claims).toHaveLength(3);
    // Two rows that no rule of Dash makes: queued although an attempt of the task, or of the session, is open.
    await db.rows(`update dash.tasks set state = 'queued' where id = any($1)`, [
      [bad.id, session.id],
    ]);
    const next = await accept(db, { priority: 5 });
    expect((await claim(db, [gateway])).map((one) => one.taskId)).toEqual([next.id]);
    for (const { id } of [bad, session]) {
      expect(await getTask(db, id)).toMatchObject({ state: 'blocked', stateReason: 'conflict' });
    }
    expect(await getTask(db, good.id)).toMatchObject({ state: 'dispatched' });
    const findings = await listFindings(db, { limit: 10 });
    expect(findings.map((one) => `${one.kind} ${one.subject}`).toSorted()).toEqual(
      [bad.id, session.id].map((id) => `attempt-conflict ${id}`).toSorted(),
    );
  });

  it('lets tenants take turns inside a level (P14)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (const tenant of ['a', 'a', 'a', 'a', 'b', 'b', 'c']) await accept(db, { tenant });
    const claims = await claim(db, [gateway]);
    expect(claims.map((one) => one.tenant).join('')).toBe('abcabaa');
  });

  it('gives a tenant that was idle no credit for it (P14)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let index = 0; index < 10; index += 1) await accept(db, { tenant: 'busy' });
    expect(await claim(db, [gateway], 10)).toHaveLength(10);
    for (let index = 0; index < 4; index += 1) await accept(db, { tenant: 'busy' });
    for (let index = 0; index < 4; index += 1) await accept(db, { tenant: 'idle' });
    const claims = await claim(db, [gateway]);
    expect(claims.map((one) => one.tenant[0]).join('')).toBe('ibibibib');
  });

  it('gives a tenant that was at its cap no credit for it (P14)', async () => {
    const { db } = database();
    await setLimits(db, { maxRunningPerTenant: 5 });
    const gateway = await openGateway(db, 'g1', { configuredLanes: 100 });
    for (let index = 0; index < 9; index += 1) await accept(db, { tenant: 'capped' });
    const running = await claim(db, [gateway]);
    expect(running).toHaveLength(5);
    for (let round = 0; round < 8; round += 1) {
      await accept(db, { tenant: 'other' });
      const { attemptId, taskId } = await claimOne(db, gateway);
      await settleTask(db, { taskId, attemptId, attemptOutcome: 'succeeded', end: completed() });
    }
    for (let index = 0; index < 4; index += 1) await accept(db, { tenant: 'other' });
    for (const { attemptId, taskId } of running) {
      await closeAttempt(db, { attemptId, ownerEpoch: 1, outcome: 'cancelled' });
      await settleTask(db, { taskId, attemptId, end: completed() });
    }
    const claims = await claim(db, [gateway]);
    // Turn about from here on; the nine turns that it missed are gone.
    expect(claims.map((one) => one.tenant[0]).join('')).toBe('ccococoo');
  });

  it('takes the most urgent over all pools and pins that a host serves, never pool by pool (R4)', async () => {
    const { db } = database();
    await putPool(db, { id: 'other', matchLabels: {} });
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    await accept(db, { sessionKey: 'pinned', priority: 4 });
    const first = await claimOne(db, gateway);
    await accept(db, { sessionKey: 'pinned', priority: 4 });
    for (let index = 0; index < 20; index += 1) {
      await accept(db, { priority: 4, pool: index % 2 === 0 ? 'default' : 'other' });
    }
    await settleTask(db, {
      taskId: first.taskId,
      attemptId: first.attemptId,
      attemptOutcome: 'succeeded',
      end: completed(),
    });
    for (let round = 0; round < 10; round += 1) {
      const critical = await accept(db, {
        priority: 1,
        pool: round % 2 === 0 ? 'other' : 'default',
        sessionKey: round % 3 === 0 ? `free-${round}` : null,
      });
      const next = await claimOne(db, gateway);
      expect(next.taskId).toBe(critical.id);
      await settleTask(db, {
        taskId: next.taskId,
        attemptId: next.attemptId,
        attemptOutcome: 'succeeded',
        end: completed(),
      });
    }
  });

  it('takes equal priorities of one tenant in the order of their acceptance, over all pools (R5)', async () => {
    const { db } = database();
    await putPool(db, { id: 'other', matchLabels: {} });
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1000 });
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        accept(db, { pool: index % 3 === 0 ? 'other' : 'default' }),
      ),
    );
    const claims = [
      ...(await claim(db, [gateway], 60)),
      ...(await claim(db, [gateway], 60)),
      ...(await claim(db, [gateway], 80)),
    ];
    const order = await db.rows<{ id: string }>('select id from dash.tasks order by seq');
    expect(claims.map((one) => one.taskId)).toEqual(order.map((row) => row.id));
  });

  it(`keeps the host's own gateways apart: ${HOST} claims only what it offers`, async () => {
    const { db } = database();
    const one = await openGateway(db, 'one');
    await openGateway(db, 'two');
    await accept(db);
    await accept(db);
    const claims = await claim(db, [{ ...one, lanes: 1 }]);
    expect(claims.map((each) => each.gatewayId)).toEqual(['one']);
  });
});
