import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SwarmNode } from '../../../src/contract/swarms.ts';
import type { SubmitTask } from '../../../src/contract/task-dto.ts';
import { openApprovalStep } from '../../../src/db/approval-store.ts';
import { getSwarm, takeNews } from '../../../src/db/swarm-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { gateOf } from '../db/approval-support.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

async function submit(
  approval: NonNullable<SubmitTask['approval']>,
  tenant?: string,
): Promise<{ taskId: string; approvalId: string }> {
  const { task } = await api.client.tasks.submit({
    body: { prompt: 'deploy it', approval, ...(tenant === undefined ? {} : { tenant }) },
    idempotencyKey: crypto.randomUUID(),
  });
  expect(task).toMatchObject({ state: 'held', stateReason: 'approval' });
  return { taskId: task.id, approvalId: task.approvalId! };
}

/** Swarms whose workflow was told that there is news. */
function told(): unknown[] {
  return api.messages.told.flatMap(([name, id]) => (name === 'signalSwarmNews' ? [id] : []));
}

describe('approvals', () => {
  test('a task submitted with one is held, shown in the list, and goes on with the decision and its comment (field 10)', async () => {
    const { taskId, approvalId } = await submit({ prompt: 'May it go out?' });
    const page = await api.client.approvals.list({ query: { state: ['open'], task: taskId } });
    expect(page.items).toMatchObject([
      { id: approvalId, kind: 'task', taskId, excerpt: 'May it go out?', approvers: null },
    ]);
    expect(page.items[0]).not.toHaveProperty('prompt');
    const params = { approvalId };
    expect(await api.client.approvals.get({ params })).toMatchObject({ prompt: 'May it go out?' });
    const { approval } = await api.client.approvals.approve({ params, body: { comment: 'yes' } });
    expect(approval).toMatchObject({
      state: 'approved',
      comment: 'yes',
      decidedBy: expect.stringMatching(/^key:/),
    });
    expect(await api.client.tasks.get({ params: { taskId } })).toMatchObject({ state: 'queued' });
    const { items } = await api.client.tasks.events({ params: { taskId } });
    expect(items.map(({ type }) => type)).toEqual([
      'task.accepted',
      'approval.requested',
      'approval.approved',
      'task.queued',
    ]);
    expect(items[2]).toMatchObject({ actor: approval.decidedBy, data: { approvalId } });
  });

  test('the first decision counts: the same key may repeat it, anybody else is told what was decided (P6)', async () => {
    const { taskId, approvalId } = await submit({});
    const path = `/api/v1/approvals/${approvalId}`;
    const reject = () =>
      api.request('POST', `${path}/reject`, { body: { comment: 'not this week' } });
    const [one, two] = await Promise.all([reject(), reject()]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(await api.client.tasks.get({ params: { taskId } })).toMatchObject({
      state: 'cancelled',
      failure: { reason: 'rejected', message: expect.stringContaining('not this week') },
    });
    const key = await makeKey(database().db, { scopes: ['approvals:write'], name: 'ann' });
    for (const again of [
      await api.request('POST', `${path}/approve`),
      await api.request('POST', `${path}/reject`, { key }),
    ]) {
      expect(again.status).toBe(409);
      expect(await again.json()).toMatchObject({
        code: 'already-decided',
        detail: expect.stringContaining('was rejected before'),
        details: {
          approvalId,
          state: 'rejected',
          decidedBy: expect.stringMatching(/^key:/),
          comment: 'not this week',
        },
      });
    }
  });

  test('one whose task has ended is closed, and says so (P6)', async () => {
    const { taskId, approvalId } = await submit({});
    await api.client.tasks.cancel({ params: { taskId } });
    const late = await api.request('POST', `/api/v1/approvals/${approvalId}/approve`);
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({
      code: 'already-decided',
      detail: expect.stringContaining('withdrawn'),
      details: { state: 'withdrawn' },
    });
  });

  test('with approvers only their keys decide, an admin key does not (R34)', async () => {
    const { db } = database();
    const { approvalId } = await submit({ approvers: ['release-manager'] });
    const path = `/api/v1/approvals/${approvalId}/approve`;
    const scopes = ['approvals:write'];
    const refused = await api.request('POST', path);
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      code: 'not-an-approver',
      details: { approvers: ['release-manager'] },
    });
    const key = await makeKey(db, { scopes, name: 'release-manager' });
    expect((await api.request('POST', path, { key })).status).toBe(200);
  });

  test('of another tenant is neither seen nor decided (R35)', async () => {
    const { db } = database();
    const { approvalId } = await submit({}, 'one');
    const scopes = ['approvals:read', 'approvals:write'];
    const other = await makeKey(db, { scopes, tenant: 'two' });
    const own = await makeKey(db, { scopes, tenant: 'one' });
    for (const [method, verb] of [
      ['GET', ''],
      ['POST', '/approve'],
      ['POST', '/reject'],
    ] as const) {
      const answer = await api.request(method, `/api/v1/approvals/${approvalId}${verb}`, {
        key: other,
      });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'approval-not-found' });
    }
    expect((await api.clientOf(other).approvals.list({})).items).toEqual([]);
    expect((await api.clientOf(own).approvals.list({})).items).toMatchObject([{ id: approvalId }]);
  });

  test('about a step of a swarm is the news of that swarm: its workflow is told, and the row stands when it cannot be (P31)', async () => {
    const { db } = database();
    const swarmIds: string[] = [];
    for (const decision of ['approve', 'reject'] as const) {
      const { swarm } = await api.client.swarms.run({
        body: { name: 's', nodes: [{ id: 'ask', kind: 'approval', prompt: 'May it go on?' }] },
        idempotencyKey: crypto.randomUUID(),
      });
      await takeNews(db, swarm.id);
      const approvalId = newId('approval');
      const gate = gateOf({ prompt: 'May it go on?' });
      await openApprovalStep(db, { swarmId: swarm.id, nodeId: 'ask', approvalId, gate });
      const listed = await api.client.approvals.list({ query: { swarm: swarm.id } });
      expect(listed.items).toMatchObject([{ id: approvalId, kind: 'step', nodeId: 'ask' }]);
      if (decision === 'reject') api.messages.fail(new Error('Temporal is away'));
      try {
        await api.client.approvals[decision]({ params: { approvalId }, body: { comment: 'so' } });
      } finally {
        api.messages.fail(null);
      }
      swarmIds.push(swarm.id);
    }
    const [approved = '', rejected = ''] = swarmIds;
    await eventually(() => told().includes(approved));
    expect(told()).not.toContain(rejected);
    for (const swarmId of swarmIds) expect((await getSwarm(db, swarmId))?.swarm.dirty).toBe(true);
    const nodes = async (swarmId: string): Promise<readonly SwarmNode[]> =>
      (await api.client.swarms.get({ params: { swarmId } })).nodes;
    expect(await nodes(approved)).toMatchObject([{ kind: 'approval', state: 'completed' }]);
    expect(await nodes(rejected)).toMatchObject([
      { state: 'failed', reason: expect.stringContaining('so') },
    ]);
  });

  test('a list goes on at its cursor (R29)', async () => {
    for (let index = 0; index < 3; index += 1) await submit({}, 'paged');
    const query = { tenant: 'paged', limit: 2 };
    const first = await api.client.approvals.list({ query });
    const second = await api.client.approvals.list({
      query: { ...query, cursor: first.nextCursor! },
    });
    const seqs = [...first.items, ...second.items].map(({ seq }) => seq);
    expect(seqs).toHaveLength(3);
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
    expect(second.nextCursor).toBeNull();
  });

  test.each([
    [{ onExpiry: 'maybe' }, 'body.approval.onExpiry', /reject.*approve.*escalate/],
    [{ onExpiry: 'approve' }, 'body.approval.expiresInSeconds', /is needed/],
    [{ onExpiry: 'escalate', expiresInSeconds: 5 }, 'body.approval.escalateTo', /is needed/],
    [{ onExpiry: 'escalate', escalateTo: ['a'] }, 'body.approval.expiresInSeconds', /is needed/],
    [{ escalateTo: ['a'] }, 'body.approval.escalateTo', /onExpiry is escalate/],
    [{ escalateAfterSeconds: 5 }, 'body.approval.escalateAfterSeconds', /onExpiry is escalate/],
    [{ expiresInSeconds: 0 }, 'body.approval.expiresInSeconds', /at least 1/],
    [{ approvers: [] }, 'body.approval.approvers', /somebody/],
    [{ prompt: '' }, 'body.approval.prompt', /empty/],
    [{ aprovers: ['a'] }, 'body.approval.aprovers', /approvers/],
  ])('%j is refused with its path and nothing is accepted (R38)', async (approval, path, words) => {
    const answer = await api.request('POST', '/api/v1/tasks', { body: { prompt: 'p', approval } });
    expect(answer.status).toBe(422);
    const { details } = (await answer.json()) as {
      details: { issues: { path: string; message: string }[] };
    };
    expect(details.issues).toContainEqual({ path, message: expect.stringMatching(words) });
  });
});
