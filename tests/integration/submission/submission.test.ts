import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common';
import { createSubmissionActivities } from '../../../activities/submission/submission.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { listTasks } from '../../../src/db/task-store.ts';
import { CONTROL_QUEUE } from '../../../src/domain/names.ts';
import type { SubmissionInput, SubmissionOutcome } from '../../../src/domain/submission.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

/** Any client of Temporal submits work by starting a workflow; everything is real but the gateway. */

let dash: TestDash;
let gateway: FakeGateway;

beforeAll(async () => {
  // Every workflow task replays from the start.
  dash = await startTestDash({ maxCachedWorkflows: 0 });
  await dash.startHost('host-a', { policy: { settleMs: 500 } });
  gateway = await dash.addGateway('gw-1', { laneLimit: 10, lanes: 10 });
}, 60_000);
afterAll(() => dash?.close(), 30_000);

type Handle = WorkflowHandleWithFirstExecutionRunId;

function submit(workflowId: string, input: SubmissionInput): Promise<Handle> {
  return dash.temporal.client.workflow.start('submissionWorkflow', {
    workflowId,
    taskQueue: CONTROL_QUEUE,
    args: [input],
  });
}

/** The one task that a submission made, once it is there. */
async function taskOf(workflowId: string): Promise<string> {
  return eventually(async () => {
    const rows = await dash.database.db.rows<{ task_id: string }>(
      'select task_id from dash.submissions where workflow_id = $1',
      [workflowId],
    );
    return rows[0]?.task_id;
  });
}

async function failureOf(handle: Handle): Promise<unknown> {
  return handle.result().then(
    (result: unknown) => {
      throw new Error(`it ended well: ${JSON.stringify(result)}`);
    },
    (error: unknown) => (error as { cause?: unknown }).cause,
  );
}

async function status(handle: Handle): Promise<string> {
  return (await handle.describe()).status.name;
}

test('a task is accepted, waited for without history, and its answer returned (architecture 4)', async () => {
  const handle = await submit('order-1', { task: { prompt: 'slow [[sleep:2500]] [[say:done]]' } });
  const taskId = await taskOf('order-1');
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  const waiting = (await handle.fetchHistory()).events?.length ?? 0;
  const outcome = (await handle.result()) as SubmissionOutcome;
  expect(outcome).toMatchObject({ kind: 'task', taskId, state: 'completed', output: 'done' });
  const whole = (await handle.fetchHistory()).events?.length ?? 0;
  // Accepted, then nothing, then: a signal, one look at the rows, the end.
  expect(waiting).toBeLessThanOrEqual(10);
  expect(whole).toBeLessThanOrEqual(25);
  expect(
    await dash.database.db.rows('select told_at from dash.submissions where task_id = $1', [
      taskId,
    ]),
  ).not.toEqual([{ told_at: null }]);
}, 60_000);

test('a swarm is run to its end (P31)', async () => {
  const swarm = {
    name: 'two',
    strategy: 'parallel',
    items: ['a', 'b'],
    prompt: '{{item}} [[say:x]]',
  };
  const handle = await submit('order-2', { swarm });
  await expect(handle.result()).resolves.toMatchObject({ kind: 'swarm', state: 'completed' });
}, 60_000);

test('a task that died ends it as Failed with the outcome in the failure (R8)', async () => {
  const handle = await submit('order-3', { task: { prompt: '[[fail:bad-request]]' } });
  const failure = (await failureOf(handle)) as ApplicationFailure;
  expect(failure.type).toBe('TaskDead');
  expect(failure.details).toMatchObject([
    { taskId: await taskOf('order-3'), state: 'dead', failure: { reason: 'permanent' } },
  ]);
  expect(failure.message).toContain('dashctl task get');
  expect(await status(handle)).toBe('FAILED');
}, 60_000);

test('a Temporal cancel cancels the work, at the gateway too, and ends it as Canceled (P28)', async () => {
  const handle = await submit('order-4', { task: { prompt: 'long [[hang]]' } });
  const taskId = await taskOf('order-4');
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  await handle.cancel();
  expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
  expect(await status(handle)).toBe('CANCELLED');
  expect((await dash.ended(taskId)).state).toBe('cancelled');
  expect(gateway.log.runningNow().filter((runId) => runId.startsWith(taskId))).toEqual([]);
}, 60_000);

test('work that somebody else cancelled ends it as Failed, type TaskCancelled (P28)', async () => {
  const notBefore = new Date(Date.now() + 3_600_000).toISOString();
  const handle = await submit('order-5', { task: { prompt: 'later', notBefore } });
  const taskId = await taskOf('order-5');
  await requestCancel(dash.database.db, { taskId, reason: 'cancelled', actor: 'test' });
  expect(await failureOf(handle)).toMatchObject({ type: 'TaskCancelled' });
}, 60_000);

test('while a bound on open work is reached it waits, and a cancel then keeps it from ever being accepted (P7, R17)', async () => {
  const { db } = dash.database;
  const before = (await listTasks(db, { limit: 200 })).length;
  await db.rows('update dash.installation set max_open_tasks = 1');
  const notBefore = new Date(Date.now() + 3_600_000).toISOString();
  const filler = await submit('order-6', { task: { prompt: 'fills', notBefore } });
  await taskOf('order-6');
  const handle = await submit('order-7', { task: { prompt: 'waits' } });
  await eventually(async () => {
    const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
    return pending?.lastFailure?.message?.includes('max-open-tasks');
  });
  await handle.cancel();
  expect(await failureOf(handle)).toBeInstanceOf(CancelledFailure);
  await filler.cancel();
  await failureOf(filler);
  await db.rows('update dash.installation set max_open_tasks = 10000');
  expect(await listTasks(db, { limit: 200 })).toHaveLength(before + 1);
}, 60_000);

test('a request that does not fit its description is refused with every path, and nothing is accepted (R38)', async () => {
  const issuesOf = async (workflowId: string, input: object): Promise<unknown> => {
    const failure = (await failureOf(
      await submit(workflowId, input as SubmissionInput),
    )) as ApplicationFailure;
    expect(failure).toMatchObject({ type: 'InvalidSubmission', nonRetryable: true });
    return failure.details?.[0];
  };
  expect(
    await issuesOf('order-8', { task: { prompt: '', priority: 'urgent', colour: 'red' } }),
  ).toMatchObject({
    issues: expect.arrayContaining([
      expect.objectContaining({ path: 'task.prompt' }),
      expect.objectContaining({
        path: 'task.priority',
        message: expect.stringContaining('critical'),
      }),
      expect.objectContaining({ path: 'task.colour' }),
    ]),
  });
  expect(await issuesOf('order-9', {})).toMatchObject({
    issues: [{ message: expect.stringContaining('either "task" or "swarm"') }],
  });
  expect(await issuesOf('order-10', { task: { prompt: 'x', pool: 'nowhere' } })).toMatchObject({
    issues: [{ message: expect.stringContaining('nowhere') }],
  });
}, 60_000);

test('asked for twenty times at once, by repeated or doubled activities, it is accepted once (R9)', async () => {
  const activities = createSubmissionActivities({
    db: dash.database.connect('another worker', 10),
    messages: dash.messages,
  });
  const id = { key: 'run/r/w', workflowId: 'w', runId: 'r' };
  const request = { task: { prompt: 'once [[say:x]]' } };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => activities.acceptSubmission({ ...id, request })),
  );
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  await expect(activities.cancelSubmission(id)).resolves.toBeUndefined();
}, 60_000);
