import { describe, expect, it } from '@jest/globals';
import {
  createTaskControlActivities,
  type TaskControlActivities,
} from '../../../activities/task-control/task-control.ts';
import {
  enterDeciding,
  markIndeterminate,
  recordDecision,
} from '../../../src/db/attempt-decision.ts';
import { readAttempt } from '../../../src/db/attempt-record.ts';
import { closeAttempt, markDelivered } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { findingCounts } from '../../../src/db/finding-store.ts';
import { backOffTask } from '../../../src/db/retry-queue.ts';
import { settleTask } from '../../../src/db/settle.ts';
import type { Claim } from '../../../src/db/claim.ts';
import { gatewaySessionKey } from '../../../src/domain/names.ts';
import { readInstallation } from '../../../src/db/installation-store.ts';
import { eventually } from '../../support/eventually.ts';
import { runInRows } from '../../support/row-executor.ts';
import { withMaintenanceWorld } from './support/world.ts';

const world = withMaintenanceWorld();

const failure = {
  runId: 'r',
  class: 'transient',
  message: 'a 503',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
} as const;

/** A task whose run its gateway has accepted, two minutes ago, and whose workflow is as `workflow` says. */
async function running(workflow: 'absent' | 'running' | 'terminated' | 'concluded') {
  const { task, claimed, gateway, db, age, start, temporal } = world();
  const taskId = await task('work');
  const claim = await claimed(taskId);
  await runInRows(db, gateway, claim);
  await age('tasks', 'updated_at', taskId);
  if (workflow !== 'absent') await start('taskWorkflow', claim.workflowId);
  const handle = temporal.client.workflow.getHandle(claim.workflowId);
  if (workflow === 'terminated') await handle.terminate('by a person');
  if (workflow === 'concluded') {
    await handle.signal('finish');
    await handle.result();
  }
  return { taskId, claim };
}

function taskControl(): TaskControlActivities {
  const { db } = world();
  return createTaskControlActivities({ db, swarmNews: () => undefined });
}

/** Ends what a test left behind, so that the next one finds only its own. */
async function settled({ taskId, attemptId }: Claim): Promise<void> {
  const { db } = world();
  await settleTask(db, {
    taskId,
    attemptId,
    attemptOutcome: 'cancelled',
    end: { state: 'cancelled', output: null, usage: null, failure: null },
  });
}

describe('attempts that nobody delivered', () => {
  it('are released after a minute and only then: the task is claimable again with its old place (P18, P35)', async () => {
    const { task, claimed, row, age, reconcile, findings, db } = world();
    const taskId = await task('work');
    const before = await row(taskId);
    const claim = await claimed(taskId);
    expect(await reconcile('attempt-not-delivered')).toMatchObject({ found: 0 });
    await age('attempts', 'planned_at', claim.attemptId);
    expect(await reconcile('attempt-not-delivered')).toMatchObject({ found: 1, repaired: 1 });
    expect(await row(taskId)).toMatchObject({ state: 'queued', seq: before.seq });
    expect(await readAttempt(db, claim.attemptId)).toMatchObject({ state: 'released' });
    expect(await findings(claim.attemptId)).toMatchObject([
      { kind: 'attempt-not-delivered', repaired: true, detail: { taskId, task: 'queued' } },
    ]);
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
  });

  it('are left to a workflow that has heard of them, which gives them back by itself, until it has ended (P19, P22)', async () => {
    const { task, claimed, age, start, temporal, reconcile, db } = world();
    const taskId = await task('work');
    const { attemptId, workflowId } = await claimed(taskId);
    await start('taskWorkflow', workflowId);
    await markDelivered(db, [attemptId]);
    await age('attempts', 'planned_at', attemptId);
    expect(await reconcile('attempt-not-delivered')).toMatchObject({ found: 0 });
    await temporal.client.workflow.getHandle(workflowId).terminate('by a person');
    expect(await reconcile('attempt-not-delivered')).toMatchObject({ found: 1, repaired: 1 });
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
  });

  it('an attempt that has begun to be sent is none of them: nothing that may run is released (P35)', async () => {
    const { age, reconcile, db } = world();
    const { claim } = await running('running');
    await age('attempts', 'planned_at', claim.attemptId);
    expect(await reconcile('attempt-not-delivered')).toMatchObject({ found: 0 });
    expect(await readAttempt(db, claim.attemptId)).toMatchObject({ state: 'accepted' });
    await settled(claim);
  });

  it('a workflow that finds its attempt released by somebody else waits for the next claim, not for that gateway (P19)', async () => {
    const { task, claimed, age, reconcile, db } = world();
    const taskId = await task('work');
    const { attemptId } = await claimed(taskId);
    await age('attempts', 'planned_at', attemptId);
    await reconcile('attempt-not-delivered');
    const control = taskControl();
    expect(await control.releaseUnstarted({ attemptId })).toEqual({ kind: 'superseded' });
    expect(await control.standing({ taskId })).toEqual({ kind: 'waits' });
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
  });

  it('a workflow whose activity nobody took up is told how its attempt ended meanwhile, never to run it again (P19, P21)', async () => {
    const { gateway, db } = world();
    const [failed, vanished, going] = [
      await running('absent'),
      await running('absent'),
      await running('absent'),
    ];
    const { ownerEpoch } = gateway;
    await closeAttempt(db, { ...failed.claim, ownerEpoch, outcome: 'failed', failure });
    const { attemptId } = vanished.claim;
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    const answers = [failed, vanished, going].map(({ claim }) =>
      taskControl().releaseUnstarted({ attemptId: claim.attemptId }),
    );
    expect(await Promise.all(answers)).toEqual([
      { kind: 'failed', failure, attemptsUsed: 1, maxAttempts: 3 },
      { kind: 'indeterminate', reason: 'vanished' },
      { kind: 'stands' },
    ]);
    for (const { claim } of [failed, vanished, going]) await settled(claim);
  });

  it('the next claim gets another workflow id when a person has terminated the workflow (P17)', async () => {
    const { task, claimed, row, age, reconcile, start, temporal, db } = world();
    const taskId = await task('work');
    const claim = await claimed(taskId);
    await start('taskWorkflow', claim.workflowId);
    await temporal.client.workflow.getHandle(claim.workflowId).terminate('by a person');
    await age('attempts', 'planned_at', claim.attemptId);
    await reconcile('attempt-not-delivered');
    expect(await row(taskId)).toMatchObject({ state: 'queued', workflowId: `task/${taskId}/r1` });
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
  });
});

describe('tasks that no running workflow carries', () => {
  it('a task that is carried is left alone, and so is one that changed within the last minute (P35)', async () => {
    const { reconcile, db } = world();
    const carried = await running('running');
    const young = await running('absent');
    await db.rows('update dash.tasks set updated_at = now() where id = $1', [young.taskId]);
    expect(await reconcile('task-without-workflow')).toMatchObject({ found: 0 });
    await settled(carried.claim);
    await settled(young.claim);
  });

  it('never started: started under the id in the row, with the open attempt, and nothing is sent (P35)', async () => {
    const { reconcile, told, findings, db, row } = world();
    const { taskId, claim } = await running('absent');
    expect(await reconcile('task-without-workflow')).toMatchObject({ found: 1, repaired: 1 });
    expect(await told(`task/${taskId}`)).toEqual([
      {
        taskId,
        attemptId: claim.attemptId,
        gatewayId: 'g1',
        runLimitSeconds: 600,
        runHeartbeatTimeoutMs: 30_000,
      },
    ]);
    expect(await findings(taskId)).toMatchObject([
      { kind: 'task-without-workflow', repaired: true, detail: { workflow: 'absent' } },
    ]);
    expect(await row(taskId)).toMatchObject({ state: 'dispatched' });
    expect(await readAttempt(db, claim.attemptId)).toMatchObject({ state: 'accepted' });
    // It is carried now.
    expect(await reconcile('task-without-workflow')).toMatchObject({ found: 0 });
    await settled(claim);
  });

  it('terminated by a person: carried on under the next id, which stands in the row first, each time (P17)', async () => {
    const { reconcile, told, row, age, temporal } = world();
    const { taskId, claim } = await running('terminated');
    await reconcile('task-without-workflow');
    expect(await row(taskId)).toMatchObject({ workflowId: `task/${taskId}/r1` });
    expect(await told(`task/${taskId}/r1`)).toMatchObject([{ attemptId: claim.attemptId }]);
    await temporal.client.workflow.getHandle(`task/${taskId}/r1`).terminate('again');
    await age('tasks', 'updated_at', taskId);
    await reconcile('task-without-workflow');
    expect(await row(taskId)).toMatchObject({ workflowId: `task/${taskId}/r2` });
    await settled(claim);
  });

  it('written into the row but not started, because reconcile itself died between: started now (P17)', async () => {
    const { reconcile, told, db } = world();
    const { taskId, claim } = await running('terminated');
    await db.rows('update dash.tasks set workflow_id = $2 where id = $1', [
      taskId,
      `task/${taskId}/r1`,
    ]);
    await reconcile('task-without-workflow');
    expect(await told(`task/${taskId}/r1`)).toHaveLength(1);
    await settled(claim);
  });

  it('concluded although the row is open: nobody can say what happened, so a person decides (P17, P36)', async () => {
    const { reconcile, told, db } = world();
    const { taskId, claim } = await running('concluded');
    await reconcile('task-without-workflow');
    expect(await readAttempt(db, claim.attemptId)).toMatchObject({
      state: 'indeterminate',
      indeterminateReason: 'workflow-closed',
    });
    expect(await told(`task/${taskId}/r1`)).toHaveLength(1);
    await settled(claim);
  });

  it('in back-off or waiting for a person they are carried on as well (P35)', async () => {
    const { reconcile, told, db, gateway, age } = world();
    const backingOff = await running('terminated');
    await closeAttempt(db, {
      attemptId: backingOff.claim.attemptId,
      ownerEpoch: gateway.ownerEpoch,
      outcome: 'failed',
      failure,
    });
    await backOffTask(db, {
      taskId: backingOff.taskId,
      attemptId: backingOff.claim.attemptId,
      delayMs: 60_000,
      failure,
    });
    const deciding = await running('terminated');
    const { attemptId } = deciding.claim;
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await enterDeciding(db, { taskId: deciding.taskId, attemptId });
    for (const { taskId } of [backingOff, deciding]) await age('tasks', 'updated_at', taskId);
    expect(await reconcile('task-without-workflow')).toMatchObject({ found: 2, repaired: 2 });
    for (const { taskId } of [backingOff, deciding]) {
      expect(await told(`task/${taskId}/r1`)).toHaveLength(1);
    }
    await requestCancel(db, { taskId: backingOff.taskId, reason: 'cancelled', actor: 'test' });
    await settled(deciding.claim);
  });
});

describe('messages that were lost', () => {
  it('a cancel that stands in the row is signalled again (P28)', async () => {
    const { reconcile, told, db } = world();
    const { taskId, claim } = await running('running');
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'ann' });
    expect(await reconcile('cancel-undelivered')).toMatchObject({ found: 0 });
    await db.rows(
      `update dash.tasks set cancel_requested_at = now() - interval '2 minutes' where id = $1`,
      [taskId],
    );
    expect(await reconcile('cancel-undelivered')).toMatchObject({ found: 1, repaired: 1 });
    await eventually(async () => (await told(claim.workflowId)).includes('cancel'));
    await settled(claim);
  });

  it('a decision that stands in the row is signalled again, with who took it (P29)', async () => {
    const { reconcile, told, db, age } = world();
    const { claim } = await running('running');
    const { attemptId, workflowId } = claim;
    await markIndeterminate(db, { attemptId, reason: 'vanished', evidence: {}, keepLane: false });
    await recordDecision(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' });
    await age('attempts', 'decided_at', attemptId);
    expect(await reconcile('decision-unapplied')).toMatchObject({ found: 1, repaired: 1 });
    await eventually(async () => {
      const [, decide] = await told(workflowId);
      return decide;
    });
    expect(await told(workflowId)).toContainEqual({
      decide: { attemptId, decision: { kind: 'retry' }, actor: 'ann' },
    });
    await settled(claim);
  });

  it('news of a swarm that nobody has read for a minute are signalled again (P31)', async () => {
    const { reconcile, told, swarm, start, db } = world();
    const swarmId = await swarm();
    await start('swarmWorkflow', `swarm/${swarmId}`);
    expect(await reconcile('swarm-unread')).toMatchObject({ found: 0 });
    await db.rows(
      `update dash.swarms set dirty_since = now() - interval '2 minutes' where id = $1`,
      [swarmId],
    );
    expect(await reconcile('swarm-unread')).toMatchObject({ found: 1, repaired: 1 });
    await eventually(async () => (await told(`swarm/${swarmId}`)).includes('news'));
    await db.rows(`update dash.swarms set state = 'cancelled' where id = $1`, [swarmId]);
  });
});

describe('submissions that wait for work which has ended', () => {
  it('are told again, whatever became of the first time; those whose work is open are left alone (P35)', async () => {
    const { db, temporal, start, told, findings, reconcile, impatient, task } = world();
    const submitted = async (workflowId: string): Promise<string> => {
      await start('submissionWorkflow', workflowId);
      const { runId } = await temporal.client.workflow.getHandle(workflowId).describe();
      const taskId = await task('work');
      await db.rows(
        'insert into dash.submissions (key, workflow_id, run_id, task_id) values ($1, $1, $2, $3)',
        [workflowId, runId, taskId],
      );
      return taskId;
    };
    const ended = await submitted('ended-submission');
    await submitted('open-submission');
    await requestCancel(db, { taskId: ended, reason: 'cancelled', actor: 'test' });
    await db.rows('update dash.submissions set told_at = now() where task_id = $1', [ended]);
    await eventually(
      async () => {
        await reconcile('submission-unheard', impatient);
        return (await findings('ended-submission')).length > 0;
      },
      { timeoutMs: 20_000, everyMs: 200 },
    );
    expect((await findings('ended-submission'))[0]).toMatchObject({
      kind: 'submission-unheard',
      repaired: true,
      detail: { taskId: ended },
    });
    await eventually(async () => (await told('ended-submission')).includes('ended'));
    expect(await findings('open-submission')).toEqual([]);
    expect(await told('open-submission')).toHaveLength(1);
  });
});

describe('workflows without an open row', () => {
  it('one whose row has ended is told to read it; one whose row is missing is left to a person (P35, P36)', async () => {
    const { reconcile, told, findings, impatient, start, task, db, swarm } = world();
    const ended = await task('work');
    await start('taskWorkflow', `task/${ended}`);
    await requestCancel(db, { taskId: ended, reason: 'cancelled', actor: 'test' });
    const swarmId = await swarm();
    await start('swarmWorkflow', `swarm/${swarmId}`);
    await db.rows(`update dash.swarms set state = 'cancelled', finished_at = now() where id = $1`, [
      swarmId,
    ]);
    await start('taskWorkflow', 'task/nobody-knows');
    // Workflows are found through the visibility store, which is a moment behind.
    await eventually(
      async () => {
        await reconcile('workflow-without-row', impatient);
        return (
          (await findings(`task/${ended}`)).length > 0 &&
          (await findings(`swarm/${swarmId}`)).length > 0 &&
          (await findings('task/nobody-knows')).length > 0
        );
      },
      { timeoutMs: 20_000, everyMs: 200 },
    );
    expect(await told(`task/${ended}`)).toContain('cancel');
    expect(await told(`swarm/${swarmId}`)).toContain('news');
    expect((await findings('task/nobody-knows'))[0]).toMatchObject({ repaired: false });
    expect(await told('task/nobody-knows')).toHaveLength(1);
  });

  it('a workflow whose row ended a moment ago is on its way and left alone (P35)', async () => {
    const { reconcile, findings, start, task, db } = world();
    const taskId = await task('work');
    await start('taskWorkflow', `task/${taskId}`);
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
    await reconcile('workflow-without-row');
    expect(await findings(`task/${taskId}`)).toEqual([]);
  });
});

describe('rows that disagree with each other', () => {
  it('a session whose first task waits behind nobody gets its head back (P3)', async () => {
    const { reconcile, task, row, db, age } = world();
    const first = await task('one', 'talk');
    const second = await task('two', 'talk');
    await db.rows(`update dash.tasks set state = 'waiting' where id = $1`, [first]);
    expect(await reconcile('session-without-head')).toMatchObject({ found: 0 });
    await age('tasks', 'updated_at', first);
    expect(await reconcile('session-without-head')).toMatchObject({ found: 1, repaired: 1 });
    expect(await row(first)).toMatchObject({ state: 'queued' });
    expect(await row(second)).toMatchObject({ state: 'waiting' });
    for (const taskId of [second, first]) {
      await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
    }
  });

  it('a task that a claim set aside for a conflict is queued again when nothing of it is open (P13)', async () => {
    const { reconcile, task, row, db, age } = world();
    const taskId = await task('work');
    await db.rows(
      `update dash.tasks set state = 'blocked', state_reason = 'conflict' where id = $1`,
      [taskId],
    );
    await age('tasks', 'updated_at', taskId);
    expect(await reconcile('task-in-conflict')).toMatchObject({ found: 1, repaired: 1 });
    expect(await row(taskId)).toMatchObject({ state: 'queued' });
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'test' });
  });
});

describe('ledgers of gateways', () => {
  it('a difference is a finding only when the round before saw it too (P35)', async () => {
    const { impatient, findings, db } = world();
    const { claim, taskId } = await running('running');
    const installation = (await readInstallation(db)).id;
    const session = (id: string) =>
      gatewaySessionKey({ agentId: 'main', installation, taskId: id, session: null });
    const reported = [
      { sessionKey: session('stranger'), runId: 'stranger-a1' },
      { sessionKey: 'agent:main:main', runId: 'somebody-chats' },
    ];
    const ask = (seenBefore: readonly string[], runs = reported) =>
      impatient.compareWithRows({ gatewayId: 'g1', reported: runs, seenBefore });
    const first = await ask([]);
    expect(first.found).toBe(0);
    expect(first.suspects).toEqual([`g1 idle ${claim.attemptId}`, 'g1 runs stranger-a1']);
    expect(await ask(first.suspects)).toMatchObject({ found: 2 });
    expect((await findings('g1')).slice(0, 2).map(({ detail }) => detail)).toEqual([
      { kind: 'unaccounted', sessionKey: session('stranger'), runId: 'stranger-a1' },
      { kind: 'not-executing', attemptId: claim.attemptId },
    ]);
    const agreed = [{ sessionKey: session(taskId), runId: `${taskId}-a1` }];
    expect(await ask(first.suspects, agreed)).toEqual({ found: 0, suspects: [] });
    await settled(claim);
  });

  it('only gateways that a host holds and that can answer are asked (P33)', async () => {
    const { impatient } = world();
    expect(await impatient.gatewaysToAsk()).toEqual(['g1']);
  });
});

it('every finding is counted by kind (P35)', async () => {
  const { db } = world();
  const counts = await findingCounts(db);
  const carried = counts.find(({ kind, repaired }) => kind === 'task-without-workflow' && repaired);
  expect(carried?.count).toBeGreaterThanOrEqual(6);
});
