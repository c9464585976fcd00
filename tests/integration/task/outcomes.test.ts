import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordDecision } from '../../../src/db/attempt-decision.ts';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { getDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { Decision } from '../../../src/domain/attempt.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

let dash: TestDash;
let gateway: FakeGateway;

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a', { policy: { settleMs: 500, recoveryGraceMs: 1_000 } });
  gateway = await dash.addGateway('gw-1', { laneLimit: 20, lanes: 20 });
}, 60_000);

afterAll(() => dash?.close(), 30_000);

const attemptsOf = (taskId: string): ReturnType<typeof taskAttempts> =>
  taskAttempts(dash.database.db, taskId);

async function cancel(taskId: string): Promise<void> {
  const result = await requestCancel(dash.database.db, {
    taskId,
    reason: 'cancelled',
    actor: 'test',
  });
  if (result.kind === 'requested') await dash.messages.signalTaskCancel(result.workflowId);
  if (result.kind === 'settled' && result.workflowId !== null) {
    await dash.messages.signalTaskCancel(result.workflowId);
  }
}

async function workflowStatus(taskId: string): Promise<string> {
  const handle = dash.temporal.client.workflow.getHandle(`task/${taskId}`);
  return (await handle.describe()).status.name;
}

test('a transient failure is tried exactly maxAttempts times, then the task is a dead letter and its workflow has failed (R7, R8)', async () => {
  const taskId = await dash.submit({ prompt: '[[fail:provider-down]]', maxAttempts: 2 });
  const task = await dash.ended(taskId);
  expect(task).toMatchObject({ state: 'dead', failure: { reason: 'attempts' } });
  const attempts = await attemptsOf(taskId);
  expect(attempts.map((a) => [a.outcome, a.failure?.class])).toEqual([
    ['failed', 'transient'],
    ['failed', 'transient'],
  ]);
  expect(gateway.log.runsStarted(taskId).map((run) => run.runId)).toEqual([
    `${taskId}-a1`,
    `${taskId}-a2`,
  ]);
  expect((await getDeadLetter(dash.database.db, taskId))?.reason).toBe('attempts');
  await eventually(async () => (await workflowStatus(taskId)) === 'FAILED');
}, 40_000);

test('a rate limit is waited out as long as the gateway says, and the next attempt succeeds (R7)', async () => {
  gateway.setScript((turn) =>
    turn.prompt.includes('limited once') && turn.runId.endsWith('-a1')
      ? { kind: 'fail', failure: 'rate-limited' }
      : undefined,
  );
  const taskId = await dash.submit({ prompt: 'limited once [[say:fine]]' });
  const task = await dash.ended(taskId);
  gateway.setScript(null);
  expect(task).toMatchObject({ state: 'completed', output: 'fine' });
  const [first, second] = await attemptsOf(taskId);
  expect(first?.failure).toMatchObject({ class: 'rate-limited', retryAfterMs: 1_000 });
  const pausedMs = Date.parse(second?.plannedAt ?? '') - Date.parse(first?.closedAt ?? '');
  expect(pausedMs).toBeGreaterThanOrEqual(1_000);
}, 40_000);

test('a permanent failure is never retried (R7)', async () => {
  const taskId = await dash.submit({ prompt: '[[fail:bad-request]]' });
  const task = await dash.ended(taskId);
  expect(task).toMatchObject({ state: 'dead', failure: { reason: 'permanent' } });
  expect(await attemptsOf(taskId)).toHaveLength(1);
}, 40_000);

test('a failure that nobody can classify is retried, and bounded (R7)', async () => {
  const taskId = await dash.submit({ prompt: '[[fail:unknown]]', maxAttempts: 2 });
  const task = await dash.ended(taskId);
  expect(task).toMatchObject({ state: 'dead', failure: { reason: 'attempts' } });
  expect((await attemptsOf(taskId)).map((a) => a.failure?.class)).toEqual(['unknown', 'unknown']);
}, 40_000);

test('a running task that is cancelled is aborted on the gateway before it is terminal, and gives its lane back (R13, P28)', async () => {
  const taskId = await dash.submit({ prompt: 'long [[hang]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  await cancel(taskId);
  const task = await dash.ended(taskId);
  expect(task.state).toBe('cancelled');
  expect(gateway.log.runningNow().filter((runId) => runId.startsWith(taskId))).toEqual([]);
  expect((await attemptsOf(taskId))[0]).toMatchObject({ outcome: 'cancelled', holdsLane: false });
  await eventually(async () => (await workflowStatus(taskId)) === 'COMPLETED');
}, 40_000);

test('a task that is cancelled in its back-off never runs again, and its workflow ends (R13, P20)', async () => {
  const taskId = await dash.submit({ prompt: '[[fail:provider-down]]' });
  await eventually(async () => (await getTask(dash.database.db, taskId))?.state === 'backoff');
  await cancel(taskId);
  expect((await dash.ended(taskId)).state).toBe('cancelled');
  await eventually(async () => (await workflowStatus(taskId)) === 'COMPLETED');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
}, 40_000);

test('a Temporal cancel of the workflow is the same request as a cancel through the API (P28)', async () => {
  const taskId = await dash.submit({ prompt: 'long [[hang]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  await dash.temporal.client.workflow.getHandle(`task/${taskId}`).cancel();
  expect((await dash.ended(taskId)).state).toBe('cancelled');
  expect(gateway.log.runningNow().filter((runId) => runId.startsWith(taskId))).toEqual([]);
}, 40_000);

test('an answer that got lost on the way is found by looking: nothing is sent twice (R10)', async () => {
  gateway.setMisbehaviour((request) => (request.method === 'agent' ? 'drop-after' : undefined));
  const taskId = await dash.submit({ prompt: 'lost answer [[say:found]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  gateway.setMisbehaviour(null);
  expect((await dash.ended(taskId, 30_000)).output).toBe('found');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  expect(await attemptsOf(taskId)).toHaveLength(1);
}, 40_000);

/** A gateway whose state directory was replaced under a run: nobody can know what became of it. */
async function indeterminateTask(name: string): Promise<{ taskId: string; attemptId: string }> {
  const doomed = await dash.addGateway(name, { labels: { only: name } });
  const taskId = await dash.submit({ prompt: 'doomed [[hang]]', pool: await poolOf(name) });
  await eventually(() => doomed.log.runsStarted(taskId).length === 1);
  await doomed.crash();
  doomed.wipeState();
  await doomed.start();
  await eventually(async () => (await getTask(dash.database.db, taskId))?.state === 'deciding', {
    timeoutMs: 30_000,
    what: 'the task to wait for a person',
  });
  const attemptId = (await attemptsOf(taskId))[0]?.attemptId ?? '';
  return { taskId, attemptId };
}

async function poolOf(name: string): Promise<string> {
  await dash.database.db.rows('insert into dash.pools (id, match_labels) values ($1, $2)', [
    name,
    JSON.stringify({ only: name }),
  ]);
  return name;
}

async function decide(attemptId: string, decision: Decision): Promise<void> {
  const recorded = await recordDecision(dash.database.db, { attemptId, decision, actor: 'test' });
  if (recorded.kind !== 'recorded') throw new Error(`not recorded: ${recorded.kind}`);
  const signal = { attemptId, decision, actor: 'test' };
  await dash.messages.signalTaskDecide(recorded.workflowId, signal);
}

test('what cannot be known goes to a person; accepting the evidence completes the task (P22, P29)', async () => {
  const { taskId, attemptId } = await indeterminateTask('doomed-1');
  await decide(attemptId, { kind: 'accept', output: 'seen by a person' });
  expect(await dash.ended(taskId)).toMatchObject({
    state: 'completed',
    output: 'seen by a person',
  });
}, 60_000);

test('a person who discards makes a dead letter; after a cancel the task is cancelled (P28, P29)', async () => {
  const discarded = await indeterminateTask('doomed-2');
  await decide(discarded.attemptId, { kind: 'discard' });
  expect(await dash.ended(discarded.taskId)).toMatchObject({
    state: 'dead',
    failure: { reason: 'discarded' },
  });
  const cancelled = await indeterminateTask('doomed-3');
  await cancel(cancelled.taskId);
  expect((await dash.ended(cancelled.taskId)).state).toBe('cancelled');
}, 90_000);

test('a person who retries gets a second attempt, and only then is anything sent again (P29)', async () => {
  const { taskId, attemptId } = await indeterminateTask('doomed-4');
  gateway.setScript(null);
  await decide(attemptId, { kind: 'retry' });
  await eventually(async () => (await attemptsOf(taskId)).length === 2, { timeoutMs: 20_000 });
  await cancel(taskId);
  expect((await dash.ended(taskId)).state).toBe('cancelled');
}, 60_000);
