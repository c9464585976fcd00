import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AppError } from '../../../src/contract/errors.ts';
import { cursorOf, seqOfCursor } from '../../../api/events/event-cursor.ts';
import { declareRestored } from '../../../cli/up/declare-restored.ts';
import { recordDecision } from '../../../src/db/attempt-decision.ts';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { listFindings } from '../../../src/db/finding-store.ts';
import { readInstallation, setFleetPaused } from '../../../src/db/installation-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { taskWorkflowId } from '../../../src/domain/names.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { readWorkflowFate } from '../../../src/temporal/workflow-fate.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal, type OwnTemporal } from '../../support/own-temporal.ts';
import { copyDatabase } from '../../support/put-back.ts';

/**
 * The restore drill (docs/guides/restore.md): one store is put back to a copy while the other one and the gateways
 * went on. The witness is the gateways' own log.
 */

let temporal: OwnTemporal;
let dash: TestDash;
let gateways: readonly FakeGateway[];

beforeAll(async () => {
  temporal = await startOwnTemporal();
  dash = await startTestDash({
    temporalAddress: temporal.address,
    reconcileEveryMs: 1_000,
    reconcileOlderThanSeconds: 4,
  });
  await dash.startHost('host-a');
  gateways = [await dash.addGateway('gw-1'), await dash.addGateway('gw-2')];
}, 90_000);

afterAll(async () => {
  await dash?.close();
  await temporal?.close();
}, 60_000);

const submit = (sleepMs: number, sessionKey: string | null = null): Promise<string> =>
  dash.submit({ prompt: `work [[sleep:${sleepMs}]] [[say:done]]`, sessionKey });

function runsOf(taskId: string): number {
  return gateways.reduce((sum, gateway) => sum + gateway.log.runsStarted(taskId).length, 0);
}

const begun = (...taskIds: readonly string[]): Promise<unknown> =>
  eventually(() => taskIds.every((taskId) => runsOf(taskId) === 1), {
    timeoutMs: 30_000,
    what: 'the runs to begin',
  });

const paused = (value: boolean): Promise<unknown> =>
  eventually(() => setFleetPaused(dash.database.db, { paused: value, actor: 'ann' }), {
    timeoutMs: 20_000,
  });

async function stateOf(taskId: string): Promise<string | null> {
  return (await getTask(dash.database.db, taskId))?.state ?? null;
}

test('PostgreSQL is put back while Temporal and the gateways went on: nothing is sent twice, and a person gets what nobody can know (P17, P36)', async () => {
  const { db, url } = dash.database;
  const before = await submit(0);
  await dash.ended(before);
  const [running, ended] = [await submit(15_000), await submit(1_500)];
  await begun(running, ended);
  // The copy holds these two as waiting, one of them in a session, while they run afterwards.
  await paused(true);
  const [waiting, inSession] = [await submit(0), await submit(0, 'talk')];
  const { stream } = await readInstallation(db);
  const copy = await copyDatabase(url);
  await paused(false);
  const lost = await submit(60_000);
  for (const taskId of [ended, waiting, inSession]) await dash.ended(taskId, 40_000);
  await begun(lost);

  await copy.putBack(async (copyUrl) => {
    const report = await declareRestored(copyUrl, 'ann');
    expect(report).toMatchObject({ openTasks: { dispatched: 2, queued: 2 }, openAttempts: 2 });
    expect(report.stream).not.toBe(stream);
  });
  await eventually(async () => (await readInstallation(db)).stream !== stream, {
    timeoutMs: 20_000,
  });
  const now = await readInstallation(db);
  expect(() => seqOfCursor(cursorOf(stream, 7), now.stream)).toThrow(AppError);
  await paused(false);

  const unaccounted = await eventually(
    async () =>
      (await listFindings(db, { limit: 100, standing: true })).find(({ detail }) =>
        String(detail['sessionKey']).endsWith(`:t:${lost}`),
      ),
    { timeoutMs: 40_000, what: 'the run that the copy does not know to be listed' },
  );
  expect(unaccounted).toMatchObject({ kind: 'ledger-mismatch', repaired: false });
  // Of these the copy knows no run, and their workflows have ended: nobody but a person can say what happened.
  const unknown = [waiting, inSession];
  await eventually(
    async () => {
      const states = await Promise.all(unknown.map(stateOf));
      if (states.some((state) => state !== 'deciding')) throw new Error(states.join(' '));
      return true;
    },
    { timeoutMs: 60_000, what: 'the decisions to be asked for' },
  );
  // What the copy has running is looked at where it ran: one run goes on, the other one's answer is there.
  for (const taskId of [running, ended])
    expect((await dash.ended(taskId, 60_000)).output).toBe('done');
  expect(await stateOf(before)).toBe('completed');
  for (const taskId of [before, running, ended, lost, ...unknown]) expect(runsOf(taskId)).toBe(1);
  // What a person decides is carried out; nothing else was sent by then.
  for (const taskId of unknown) {
    const attemptId = (await taskAttempts(db, taskId)).at(-1)?.attemptId ?? '';
    await recordDecision(db, { attemptId, decision: { kind: 'discard' }, actor: 'ann' });
    expect(await dash.ended(taskId, 30_000)).toMatchObject({ state: 'dead' });
    expect(runsOf(taskId)).toBe(1);
  }
}, 240_000);

test('Temporal is put back while PostgreSQL and the gateways went on: rows win, runs are followed, nothing is sent twice (P36)', async () => {
  const { client } = dash.temporal;
  const [endsMeanwhile, runsOn] = [await submit(4_000), await submit(12_000)];
  await begun(endsMeanwhile, runsOn);
  const putBack = await temporal.copy();
  const [wasThere, began] = [await submit(0), await submit(12_000)];
  for (const taskId of [endsMeanwhile, wasThere]) await dash.ended(taskId, 60_000);
  await begun(began);
  await putBack();

  for (const taskId of [runsOn, began]) {
    expect((await dash.ended(taskId, 90_000)).output).toBe('done');
  }
  const after = await submit(0);
  await dash.ended(after, 60_000);
  for (const taskId of [endsMeanwhile, runsOn, wasThere, began, after]) {
    expect(runsOf(taskId)).toBe(1);
    expect(await stateOf(taskId)).toBe('completed');
    expect(await taskAttempts(dash.database.db, taskId)).toHaveLength(1);
  }
  // The copy had this one running: its workflow reads the row, and ends.
  await eventually(
    async () =>
      (await readWorkflowFate(client, taskWorkflowId(endsMeanwhile)).catch(() => 'running')) !==
      'running',
    { timeoutMs: 60_000, what: 'the workflow of a task that had ended to end' },
  );
}, 240_000);
