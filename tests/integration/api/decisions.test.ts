import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { deadTask, indeterminateTask, runningTask } from './support/rows.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

describe('deciding about an attempt whose outcome cannot be known', () => {
  test('the decision stands in its row before the workflow is told, also when it cannot be told (P29)', async () => {
    const { taskId, attemptId } = await indeterminateTask(database().db);
    const params = { taskId };
    const before = (await api.client.tasks.attempts({ params })).items[0]!;
    expect(before).toMatchObject({
      state: 'indeterminate',
      indeterminateReason: 'vanished',
      evidence: { seen: 'nothing' },
      decision: null,
    });
    api.messages.fail(new Error('Temporal is away'));
    try {
      const { task } = await api.client.tasks.decide({
        params,
        body: { decision: 'accept', output: 'it had answered', attemptId },
      });
      expect(task.state).toBe('deciding');
    } finally {
      api.messages.fail(null);
    }
    const after = (await api.client.tasks.attempts({ params })).items[0]!;
    expect(after.decision).toMatchObject({
      decision: 'accept',
      actor: expect.stringMatching(/^key:/),
    });
  });

  test('the workflow is told who decided what (P29)', async () => {
    const { taskId, attemptId } = await indeterminateTask(database().db);
    await api.client.tasks.decide({ params: { taskId }, body: { decision: 'retry' } });
    await eventually(() =>
      api.messages.told.find(
        ([name, id]) => name === 'signalTaskDecide' && id === `task/${taskId}`,
      ),
    );
    const told = api.messages.told.find(
      ([name, id]) => name === 'signalTaskDecide' && id === `task/${taskId}`,
    );
    expect(told?.[2]).toMatchObject({ attemptId, decision: { kind: 'retry' } });
  });

  test('the first decision counts: the same again is fine, another is told who was first (P29)', async () => {
    const { taskId, attemptId } = await indeterminateTask(database().db);
    const decide = (decision: 'retry' | 'discard') =>
      api.request('POST', `/api/v1/tasks/${taskId}/decide`, { body: { decision } });
    const [one, two] = await Promise.all([decide('discard'), decide('discard')]);
    expect([one.status, two.status]).toEqual([202, 202]);
    const other = await decide('retry');
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({
      code: 'already-decided',
      details: { attemptId, decision: 'discard', actor: expect.stringMatching(/^key:/) },
    });
  });

  test('without an attempt that waits there is nothing to decide, nor about another attempt than the one meant (P29)', async () => {
    const { taskId } = await runningTask(database().db);
    const running = await api.request('POST', `/api/v1/tasks/${taskId}/decide`, {
      body: { decision: 'retry' },
    });
    expect(running.status).toBe(409);
    expect(await running.json()).toMatchObject({ code: 'nothing-to-decide' });
    const waiting = await indeterminateTask(database().db);
    const body = { decision: 'retry', attemptId: '00000000-0000-4000-8000-000000000000' };
    const other = await api.request('POST', `/api/v1/tasks/${waiting.taskId}/decide`, { body });
    expect(await other.json()).toMatchObject({
      code: 'nothing-to-decide',
      details: { attemptId: waiting.attemptId },
    });
  });
});

describe('dead letters', () => {
  test('a double click replays once: one new task that names the old one (P30)', async () => {
    const taskId = await deadTask(database().db);
    const replay = () => api.request('POST', `/api/v1/tasks/${taskId}/replay`);
    const answers = await Promise.all([replay(), replay()]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 202]);
    const [one, two] = (await Promise.all(answers.map((answer) => answer.json()))) as {
      task: { id: string };
    }[];
    expect(one!.task.id).toBe(two!.task.id);
    expect(one!.task).toMatchObject({ replayOf: taskId, state: 'queued' });
  });

  test('another replay needs the word and the end of the former (P30)', async () => {
    const taskId = await deadTask(database().db);
    const params = { taskId };
    const first = await api.client.tasks.replay({ params });
    const early = await api.request('POST', `/api/v1/tasks/${taskId}/replay`, {
      body: { again: true },
    });
    expect(early.status).toBe(409);
    expect(await early.json()).toMatchObject({
      code: 'dead-letter-closed',
      details: { state: 'replayed', replayTaskId: first.task.id },
    });
    await api.client.tasks.cancel({ params: { taskId: first.task.id } });
    const second = await api.client.tasks.replay({ params, body: { again: true } });
    expect(second).toMatchObject({ existing: false, task: { replayOf: taskId } });
    expect(second.task.id).not.toBe(first.task.id);
  });

  test('replay and discard exclude each other, first wins; discarding twice is fine (P30)', async () => {
    const { db } = database();
    const discarded = { taskId: await deadTask(db) };
    await api.client.tasks.discard({ params: discarded });
    expect((await api.client.tasks.discard({ params: discarded })).task.state).toBe('dead');
    await expect(api.client.tasks.replay({ params: discarded })).rejects.toMatchObject({
      problem: { code: 'dead-letter-closed', details: { state: 'discarded' } },
    });
    const replayed = { taskId: await deadTask(db) };
    await api.client.tasks.replay({ params: replayed });
    await expect(api.client.tasks.discard({ params: replayed })).rejects.toMatchObject({
      problem: { code: 'dead-letter-closed', details: { state: 'replayed' } },
    });
  });

  test('a task that is no dead letter is neither replayed nor discarded (P30)', async () => {
    const { taskId } = await runningTask(database().db);
    for (const action of ['replay', 'discard']) {
      const answer = await api.request('POST', `/api/v1/tasks/${taskId}/${action}`);
      expect(answer.status).toBe(409);
      expect(await answer.json()).toMatchObject({ code: 'dead-letter-closed' });
    }
  });
});
