import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

/** Far below the minute that passes between two reviews in a gateway's rhythm. */
const SOON = { timeoutMs: 20_000 };

let dash: TestDash;
let gateway: FakeGateway;

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a', { policy: { settleMs: 500, recoveryGraceMs: 1_000 } });
  gateway = await dash.addGateway('gw-1');
}, 60_000);

afterAll(() => dash?.close(), 30_000);

async function crash(): Promise<void> {
  await gateway.crash();
  await gateway.start();
}

test('turns that are resumed one after the other are waited for beyond the grace, and no person is asked (P22.5, ADR 0010)', async () => {
  gateway.setRecoveryDelayMs(100);
  gateway.setScript((turn) =>
    turn.isRecovery ? { kind: 'answer', text: 'resumed', delayMs: 3_000 } : { kind: 'hang' },
  );
  const taskIds = [await dash.submit({ prompt: 'one' }), await dash.submit({ prompt: 'two' })];
  await eventually(() => taskIds.every((id) => gateway.log.runsStarted(id).length === 1));
  await crash();
  const { db } = dash.database;
  for (const taskId of taskIds) {
    expect(await dash.ended(taskId, 20_000)).toMatchObject({ output: 'resumed' });
    expect(await taskAttempts(db, taskId)).toMatchObject([
      { outcome: 'succeeded', indeterminateAt: null },
    ]);
  }
  const events = await db.rows<{ type: string }>(
    `select type from dash.events where type = 'attempt.indeterminate'`,
  );
  expect(events).toEqual([]);
}, 60_000);

test('a recovery that begins after the grace is found by its beginning, not by the next review in the rhythm (States)', async () => {
  gateway.setRecoveryDelayMs(6_000);
  gateway.setScript((turn) =>
    turn.isRecovery ? { kind: 'answer', text: 'late', delayMs: 500 } : { kind: 'hang' },
  );
  const taskId = await dash.submit({ prompt: 'late' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  await crash();
  await eventually(
    async () => (await getTask(dash.database.db, taskId))?.state === 'deciding',
    SOON,
  );
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  expect(await dash.ended(taskId, SOON.timeoutMs)).toMatchObject({ output: 'late' });
}, 60_000);
