import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ApprovalGate } from '../../../src/domain/approval.ts';
import { getSession } from '../../../src/db/session-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import type { GatewayHost } from '../../../workers/start-gateway-host.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';
import { decideAs, gateOf } from '../db/approval-support.ts';

let dash: TestDash;
let host: GatewayHost;
let gateways: FakeGateway[];

beforeAll(async () => {
  dash = await startTestDash();
  host = await dash.startHost('host-a');
  gateways = [await dash.addGateway('gw-1'), await dash.addGateway('gw-2')];
}, 60_000);

afterAll(() => dash?.close(), 30_000);

/** Starts of runs of these tasks, over all gateways, in the order of their times. */
function startsOf(taskIds: readonly string[]): { taskId: string; gateway: number }[] {
  return gateways
    .flatMap((gateway, index) =>
      taskIds.flatMap((taskId) =>
        gateway.log.runsStarted(taskId).map((run) => ({ taskId, gateway: index, at: run.atMs })),
      ),
    )
    .sort((a, b) => a.at - b.at)
    .map(({ taskId, gateway }) => ({ taskId, gateway }));
}

test('tasks of one session run one at a time, in the order of their submission, on one gateway; never a second message outstanding (R1, R2, R3)', async () => {
  const sessions = ['alpha', 'beta', 'gamma'];
  const tasks = new Map<string, string[]>(sessions.map((key) => [key, []]));
  for (let round = 0; round < 6; round += 1) {
    for (const sessionKey of sessions) {
      const taskId = await dash.submit({
        prompt: `turn ${round} [[sleep:${(round * 37) % 90}]]`,
        sessionKey,
        priority: ((round % 5) + 1) as 1 | 2 | 3 | 4 | 5,
      });
      tasks.get(sessionKey)?.push(taskId);
    }
  }
  for (const taskId of [...tasks.values()].flat()) {
    expect((await dash.ended(taskId, 60_000)).state).toBe('completed');
  }
  for (const [key, taskIds] of tasks) {
    const starts = startsOf(taskIds);
    expect(starts.map((start) => start.taskId)).toEqual(taskIds);
    expect(new Set(starts.map((start) => start.gateway)).size).toBe(1);
    const gateway = gateways[starts[0]?.gateway ?? 0] as FakeGateway;
    const { id: installation } = (
      await dash.database.db.rows<{ id: string }>('select id from dash.installation')
    )[0] as { id: string };
    expect(gateway.log.maxOverlap(`agent:main:dash-${installation}:s:default:${key}`)).toBe(1);
  }
}, 120_000);

test('what waits for an approval keeps its place on the wire, and what is rejected never gets there (R2, P3, P8)', async () => {
  const { db } = dash.database;
  const inSession = (prompt: string, approval: ApprovalGate | null = null): Promise<string> =>
    dash.submit({ prompt, sessionKey: 'gated', approval });
  const first = await inSession('first');
  const refused = await inSession('refused', gateOf());
  const timed = await inSession('timed', gateOf({ expiresInSeconds: 1, onExpiry: 'approve' }));
  const asked = await inSession('asked', gateOf());
  const last = await inSession('last');
  const approvalIdOf = async (taskId: string): Promise<string | null> =>
    (await getTask(db, taskId))?.approvalId ?? null;
  await dash.ended(first);
  await eventually(async () => (await getTask(db, timed))?.state === 'waiting');
  await decideAs(db, await approvalIdOf(refused), 'rejected');
  expect(await dash.ended(timed)).toMatchObject({ state: 'completed' });
  expect(await getTask(db, asked)).toMatchObject({ state: 'held' });
  expect(await getTask(db, last)).toMatchObject({ state: 'waiting' });
  await decideAs(db, await approvalIdOf(asked), 'approved');
  expect(await dash.ended(last)).toMatchObject({ state: 'completed' });
  const starts = startsOf([first, refused, timed, asked, last]);
  expect(starts.map(({ taskId }) => taskId)).toEqual([first, timed, asked, last]);
  expect(await getTask(db, refused)).toMatchObject({ state: 'cancelled', lastAttempt: 0 });
}, 120_000);

test('a session stays on its gateway after a restart of Dash (R3, G19)', async () => {
  const before = await dash.submit({ prompt: 'before [[say:one]]', sessionKey: 'steady' });
  await dash.ended(before);
  const pinned = (await getSession(dash.database.db, { tenant: 'default', key: 'steady' }))
    ?.gatewayId;
  await host.close();
  host = await dash.startHost('host-a');
  await eventually(async () => (await dash.gateway('gw-1')).state === 'open', {
    timeoutMs: 30_000,
  });
  const after = await dash.submit({ prompt: 'after [[say:two]]', sessionKey: 'steady' });
  expect((await dash.ended(after, 40_000)).output).toBe('two');
  const starts = startsOf([before, after]);
  expect(new Set(starts.map((start) => start.gateway)).size).toBe(1);
  expect(
    (await getSession(dash.database.db, { tenant: 'default', key: 'steady' }))?.gatewayId,
  ).toBe(pinned);
}, 120_000);
