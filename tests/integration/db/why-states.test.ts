import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  enterDeciding,
  markIndeterminate,
  recordDecision,
} from '../../../src/db/attempt-decision.ts';
import {
  beginSending,
  closeAttempt,
  markAccepted,
  markDelivered,
} from '../../../src/db/attempt-run.ts';
import { putBudget, unblockBudgets } from '../../../src/db/budget-store.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import { writeGatewayState } from '../../../src/db/gateway-store.ts';
import { backOffTask } from '../../../src/db/retry-queue.ts';
import { quarantineSession } from '../../../src/db/session-care.ts';
import { settleTask } from '../../../src/db/settle.ts';
import {
  acceptSwarm,
  admitSwarmNode,
  holdSwarmTasks,
  setSwarmState,
  takeNews,
} from '../../../src/db/swarm-store.ts';
import type { BudgetScope } from '../../../src/domain/budget.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import {
  accept,
  claim,
  claimOne,
  completed,
  dead,
  emptyDatabase,
  openGateway,
  taskOf,
} from './support.ts';
import {
  binding,
  codes,
  TEMPORAL_GONE,
  whyOfGateway,
  whyOfSession,
  whyOfSwarm,
  whyOfTask,
} from './why-support.ts';

const database = withDatabase();

beforeEach(() => emptyDatabase(database().db.pool));

const place = { bootId: 'boot', stateId: 'state' };
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

async function claimed(): Promise<Claim> {
  const { db } = database();
  const gateway = await openGateway(db, 'g1');
  await accept(db, { runLimitSeconds: 600 });
  return claimOne(db, gateway);
}

async function running(): Promise<Claim> {
  const { db } = database();
  const claim = await claimed();
  const { attemptId, ownerEpoch } = claim;
  await markDelivered(db, [attemptId]);
  await beginSending(db, { attemptId, ownerEpoch, runId: `${claim.taskId}-a1`, ...place });
  await markAccepted(db, { attemptId, ownerEpoch, ...place });
  return claim;
}

const transient = {
  runId: 'r',
  class: 'transient',
  message: 'a 503 of the provider',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
} as const;

describe('why a task may not be claimed', () => {
  it('in a session it says who is in front, in which state since when, and why that one waits (P3)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 'talk' });
    await accept(db, { sessionKey: 'talk' });
    const { id } = await accept(db, { sessionKey: 'talk' });
    const why = await whyOfTask(db, id);
    expect(codes(why)).toEqual(['session-busy', 'pool-empty', 'in-line']);
    expect(binding(why)).toMatchObject({
      facts: { session: 'talk', taskId: head.id, taskState: 'queued', ahead: 2 },
      since: head.updatedAt,
    });
    await db.rows(`update dash.tasks set state = 'waiting' where id = $1`, [head.id]);
    expect(binding(await whyOfTask(db, head.id)).code).toBe('session-without-head');
  });

  it('scheduled: until when (P8)', async () => {
    const { db } = database();
    const notBefore = inAnHour();
    const { id } = await accept(db, { notBefore });
    const why = await whyOfTask(db, id);
    expect(binding(why)).toMatchObject({ code: 'scheduled', until: notBefore });
    expect(why.sentence).toMatch(/in (59 min|1 h)/);
  });

  it('backing off: which attempt failed, where, how, until when; and Temporal when it is away (P20)', async () => {
    const { db } = database();
    const { taskId, attemptId, ownerEpoch } = await running();
    await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed', failure: transient });
    await backOffTask(db, { taskId, attemptId, delayMs: 3_600_000, failure: transient });
    const dueAt = (await getTask(db, taskId))?.dueAt;
    const why = await whyOfTask(db, taskId);
    expect(why.reasons).toMatchObject([
      {
        code: 'backing-off',
        until: dueAt,
        facts: { attempt: 1, maxAttempts: 3, gatewayId: 'g1', failureClass: 'transient' },
      },
    ]);
    expect(why.sentence).toMatch(/Attempt 1 of 3 failed on g1 \(transient\): a 503/);
    expect(codes(await whyOfTask(db, taskId, TEMPORAL_GONE))).toEqual([
      'backing-off',
      'temporal-unreachable',
    ]);
  });

  it('held by its paused swarm, with how to resume it (P31)', async () => {
    const { db } = database();
    const { swarmId, taskId } = await swarmWithTask();
    await setSwarmState(db, { swarmId, state: 'paused', actor: 'ann' });
    await holdSwarmTasks(db, swarmId);
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'swarm-paused',
      action: `dashctl swarm resume ${swarmId}`,
    });
  });

  it('held for a person’s word: whose, about what, until when (P8)', async () => {
    const { db } = database();
    const { id } = await accept(db, {
      approval: {
        prompt: 'Publish?',
        approvers: ['ann'],
        expiresInSeconds: 3600,
        onExpiry: 'reject',
        escalateTo: null,
        escalateAfterSeconds: null,
      },
    });
    const why = await whyOfTask(db, id);
    expect(binding(why)).toMatchObject({
      code: 'approval-needed',
      facts: { approvers: ['ann'], prompt: 'Publish?' },
      until: expect.any(String),
    });
    expect(why.sentence).toMatch(
      /approval of ann for 0 s \(Publish\?\); that ends in (59 min|1 h)/,
    );
  });

  it('set apart with its session: why, by whom, and how to release it (P12)', async () => {
    const { db } = database();
    const { id } = await accept(db, { sessionKey: 'talk' });
    await quarantineSession(db, {
      tenant: 'default',
      key: 'talk',
      reason: 'it loops',
      actor: 'ann',
    });
    expect(binding(await whyOfTask(db, id))).toMatchObject({
      code: 'session-quarantined',
      facts: { session: 'talk', reason: 'it loops', by: 'ann' },
      action: expect.stringMatching(/dashctl session release talk/),
    });
  });

  it('blocked by a budget: by which, what is spent and set aside of it, and until when; of the fleet only the name (P15)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    const put = (name: string, scope: BudgetScope, tokens: number): Promise<unknown> =>
      putBudget(db, {
        name,
        scope,
        tenant: scope === 'tenant' ? 'default' : null,
        usd: null,
        tokens,
        period: 'day',
        actor: 'ann',
      });
    await put('tenant:default', 'tenant', 100);
    await accept(db, { budget: { usd: null, tokens: 70 } });
    await claimOne(db, gateway);
    const { id } = await accept(db, { budget: { usd: null, tokens: 50 } });
    await claim(db, [gateway]);
    const why = await whyOfTask(db, id);
    expect(binding(why)).toMatchObject({
      code: 'budget-full',
      facts: {
        budget: 'tenant:default',
        wants: { usd: null, tokens: 50 },
        limit: { usd: null, tokens: 100 },
        spent: { tokens: 0 },
        reserved: { tokens: 70 },
      },
      until: expect.stringMatching(/T00:00:00.000Z$/),
      action: expect.stringContaining('dashctl budget set tenant:default'),
    });
    expect(why.sentence).toMatch(
      /budget tenant:default, of whose 100 tokens 0 tokens are spent and 70 tokens set aside; it may spend 50 tokens itself/,
    );
    await put('tenant:default', 'tenant', 1000);
    expect(await unblockBudgets(db)).toBe(1);
    await put('fleet', 'fleet', 10);
    await claim(db, [gateway]);
    expect(binding(await whyOfTask(db, id)).facts).toMatchObject({ budget: 'fleet', limit: null });
  });

  it('blocked by a conflict: by which attempt, or that reconcile will queue it again (P13)', async () => {
    const { db } = database();
    const { taskId, attemptId, ownerEpoch } = await claimed();
    await db.rows(
      `update dash.tasks set state = 'blocked', state_reason = 'conflict' where id = $1`,
      [taskId],
    );
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'blocked-by-conflict',
      facts: { attemptId, gatewayId: 'g1' },
    });
    await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed' });
    expect((await whyOfTask(db, taskId)).sentence).toMatch(/reconcile queues it again/);
  });
});

describe('where a task stands that is under way', () => {
  it('not delivered, then not taken up by its host, each with what happens by itself (P17, P18, P19)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await claimed();
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'not-delivered',
      facts: { gatewayId: 'g1', attempt: 1 },
    });
    await markDelivered(db, [attemptId]);
    expect(binding(await whyOfTask(db, taskId)).code).toBe('sending');
    await db.rows(`update dash.attempts set delivered_at = now() - interval '20 seconds'`);
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'not-taken-up',
      facts: { host: 'host-1' },
    });
  });

  it('running: where, as which run, since when, and how long it may (P19)', async () => {
    const { db } = database();
    const { taskId } = await running();
    const reason = binding(await whyOfTask(db, taskId));
    expect(reason).toMatchObject({
      code: 'running',
      facts: { gatewayId: 'g1', runId: `${taskId}-a1`, runLimitSeconds: 600 },
    });
    expect(Date.parse(reason.until ?? '') - Date.parse(reason.since ?? '')).toBe(600_000);
  });

  it('running on a gateway that is out of reach: that, too, with its hint (P22)', async () => {
    const { db } = database();
    const { taskId, ownerEpoch } = await running();
    await writeGatewayState(db, {
      gatewayId: 'g1',
      ownerEpoch,
      state: 'unreachable',
      reason: 'connection refused',
      hint: 'Start it.',
      failure: null,
    });
    const why = await whyOfTask(db, taskId);
    expect(codes(why)).toEqual(['running', 'gateway-in-trouble']);
    expect(why.reasons[1]).toMatchObject({ action: 'Start it.' });
  });

  it('being stopped: for which reason, not yet confirmed (P28)', async () => {
    const { db } = database();
    const { taskId } = await running();
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'ann' });
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'aborting',
      facts: { reason: 'cancelled', gatewayId: 'g1' },
    });
  });

  it('its attempt has ended and its workflow has not concluded yet (P21)', async () => {
    const { db } = database();
    const { taskId, attemptId, ownerEpoch } = await running();
    await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed', failure: transient });
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'concluding',
      facts: { outcome: 'failed' },
    });
  });

  it('nobody but a person can say how it ended: on which evidence, since when, what to do; then who decided (P29)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await running();
    const evidence = { seen: 'nothing' };
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence, keepLane: false });
    await enterDeciding(db, { taskId, attemptId });
    const reason = binding(await whyOfTask(db, taskId));
    expect(reason).toMatchObject({
      code: 'decision-needed',
      facts: { reason: 'vanished', evidence },
    });
    expect(reason.since).not.toBeNull();
    expect(reason.action).toContain(`dashctl task decide ${taskId}`);
    await recordDecision(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' });
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'decision-being-applied',
      facts: { decision: 'retry', actor: 'ann' },
    });
  });

  it('ended: how, after how many attempts, and what a dead letter can become (P30)', async () => {
    const { db } = database();
    const { taskId, attemptId } = await running();
    await settleTask(db, {
      taskId,
      attemptId,
      attemptOutcome: 'failed',
      end: dead('no such model'),
    });
    expect(binding(await whyOfTask(db, taskId))).toMatchObject({
      code: 'ended',
      facts: { state: 'dead', reason: 'attempts', attempts: 1, deadLetter: 'open' },
      action: expect.stringMatching(/task replay/),
    });
    const { id } = await accept(db);
    await requestCancel(db, { taskId: id, reason: 'cancelled', actor: 'ann' });
    expect((await whyOfTask(db, id)).sentence).toMatch(/ended as cancelled .* after 0 attempts/);
  });
});

describe('where a session stands', () => {
  it('its first task with that one’s reasons, and how many wait behind it; idle when none is open (P3)', async () => {
    const { db } = database();
    const head = await accept(db, { sessionKey: 'talk' });
    await accept(db, { sessionKey: 'talk' });
    const why = await whyOfSession(db, 'talk');
    expect(codes(why)).toEqual(['pool-empty', 'in-line', 'session-tasks-wait']);
    expect(why.reasons.at(-1)).toMatchObject({ facts: { waiting: 1 } });
    const tasks = await db.rows<{ id: string }>('select id from dash.tasks order by seq desc');
    for (const { id: taskId } of tasks)
      await requestCancel(db, { taskId, reason: 'cancelled', actor: 'ann' });
    expect(head.sessionKey).toBe('talk');
    expect(codes(await whyOfSession(db, 'talk'))).toEqual(['session-idle']);
  });
});

async function swarmWithTask(): Promise<{ swarmId: string; taskId: string }> {
  const { db } = database();
  const swarmId = newId('swarm');
  await acceptSwarm(db, {
    id: swarmId,
    tenant: 'default',
    name: 'tales',
    spec: {},
    onFailure: 'continue',
    maxParallel: 1,
    nodes: [
      { nodeId: 'a', dependsOn: [], pool: 'default', template: {} },
      { nodeId: 'b', dependsOn: [], pool: 'default', template: {} },
      { nodeId: 'c', dependsOn: ['a', 'b'], pool: 'default', template: {} },
    ],
    correlationId: 'c',
    idempotency: null,
    actor: null,
  });
  const taskId = newId('task');
  await admitSwarmNode(db, { ...taskOf(), taskId, swarmId, nodeId: 'a' });
  await takeNews(db, swarmId);
  return { swarmId, taskId };
}

describe('where a swarm stands', () => {
  it('which of its tasks are open, which nodes wait for which, and that no more may be open at once (P31)', async () => {
    const { db } = database();
    const { swarmId, taskId } = await swarmWithTask();
    const why = await whyOfSwarm(db, swarmId);
    expect(why.reasons).toMatchObject([
      {
        code: 'swarm-tasks-open',
        facts: { count: 1, nodes: [{ nodeId: 'a', taskId, state: 'queued' }] },
      },
      { code: 'swarm-at-max-parallel', facts: { maxParallel: 1, ready: 1 } },
      { code: 'swarm-nodes-wait', facts: { nodes: [{ nodeId: 'c', waitsFor: ['a', 'b'] }] } },
    ]);
  });

  it('a decision that a person must take, news that nobody reads, and Temporal away come first (P29, P31)', async () => {
    const { db } = database();
    const { swarmId, taskId } = await swarmWithTask();
    const { attemptId } = await claimOne(db, await openGateway(db, 'g1'));
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await enterDeciding(db, { taskId, attemptId });
    await db.rows(
      `update dash.swarms set dirty = true, dirty_since = now() - interval '9 seconds'`,
    );
    const why = await whyOfSwarm(db, swarmId, TEMPORAL_GONE);
    expect(codes(why).slice(0, 4)).toEqual([
      'swarm-needs-decision',
      'temporal-unreachable',
      'swarm-news-unread',
      'swarm-tasks-open',
    ]);
    expect(binding(why).action).toBe(`dashctl why ${taskId}`);
  });

  it('paused, being cancelled, about to go on, and how it ended (P31)', async () => {
    const { db } = database();
    const { swarmId, taskId } = await swarmWithTask();
    await db.rows(`update dash.swarms set state = 'paused', cancel_requested = true`);
    expect(codes(await whyOfSwarm(db, swarmId)).slice(0, 2)).toEqual([
      'swarm-being-cancelled',
      'swarm-paused',
    ]);
    await db.rows(`update dash.swarms set state = 'running', cancel_requested = false`);
    await settleTask(db, { taskId, end: completed() });
    await db.rows(`update dash.swarm_nodes set state = 'completed'`);
    expect(codes(await whyOfSwarm(db, swarmId))).toEqual(['swarm-about-to-go-on']);
    await db.rows(
      `update dash.swarms set state = 'failed', state_reason = 'node a failed', dirty = false`,
    );
    expect(binding(await whyOfSwarm(db, swarmId))).toMatchObject({
      code: 'swarm-ended',
      facts: { state: 'failed', reason: 'node a failed' },
    });
  });
});

describe('where a gateway stands', () => {
  it('every state in words of its own, with its hint when it has one (architecture 7)', async () => {
    const { db } = database();
    const { ownerEpoch } = await openGateway(db, 'g1');
    const states = [
      'registered',
      'starting',
      'reconciling',
      'open',
      'degraded',
      'draining',
      'drained',
      'cordoned',
      'stopping',
      'stopped',
      'unreachable',
      'unowned',
      'failed',
    ] as const;
    const sentences = new Set<string>();
    for (const state of states) {
      const failure = state === 'failed' ? 'auth' : null;
      await writeGatewayState(db, {
        gatewayId: 'g1',
        ownerEpoch,
        state,
        reason: null,
        hint: `do ${state}`,
        failure,
      });
      const why = await whyOfGateway(db, 'g1');
      expect(binding(why)).toMatchObject({ code: `gateway-${state}`, action: `do ${state}` });
      sentences.add(why.sentence);
    }
    expect(sentences.size).toBe(states.length);
  });

  it('a wish that is not reached, a host that gives no sign, full lanes, and work that waits for it alone (R16, P32)', async () => {
    const { db } = database();
    await openGateway(db, 'g1', { configuredLanes: 1 });
    expect(codes(await whyOfGateway(db, 'g1'))).toEqual(['gateway-open', 'lanes-free']);
    await accept(db, { sessionKey: 'talk' });
    await claimOne(db, { gatewayId: 'g1', ownerEpoch: 1, lanes: 1, score: 1, reasons: [] });
    expect(codes(await whyOfGateway(db, 'g1'))).toEqual([
      'lanes-in-use',
      'gateway-open',
      'work-waits-for-it',
    ]);
    await db.rows(
      `update dash.gateways set last_seen_at = now() - interval '1 minute', desired_state = 'drained'`,
    );
    const why = await whyOfGateway(db, 'g1');
    expect(codes(why).slice(0, 3)).toEqual(['owner-silent', 'gateway-open', 'wish-not-reached']);
    expect(why.sentence).toMatch(/host-1 has given no sign for 1 min/);
  });
});
