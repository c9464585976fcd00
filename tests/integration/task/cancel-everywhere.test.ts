import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { acceptBulk, getBulk } from '../../../src/db/bulk-store.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { getDeadLetter } from '../../../src/db/dead-letter-store.ts';
import { setFleetPaused, setLimits } from '../../../src/db/installation-store.ts';
import { quarantineSession } from '../../../src/db/session-care.ts';
import { getTask } from '../../../src/db/task-store.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { newId } from '../../../src/platform/ids.ts';
import { createRacePoints, type HoldablePoints } from '../../../src/platform/race-points.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';
import type { WorkerChild } from '../../support/worker-process.ts';

let dash: TestDash;
let gateway: FakeGateway;
let fragile: FakeGateway;
let far: FakeGateway;
let farHost: WorkerChild;
let race: HoldablePoints;

beforeAll(async () => {
  dash = await startTestDash();
  race = createRacePoints();
  await dash.startHost('host-a', {
    race,
    maxGateways: 2,
    policy: { settleMs: 300, recoveryGraceMs: 1_000 },
  });
  gateway = await inPool('near');
  fragile = await inPool('fragile', { recoveryDelayMs: null });
  farHost = await dash.startHostProcess('host-far');
  far = await inPool('far');
}, 120_000);

afterAll(() => dash?.close(), 60_000);

/** A gateway that is the only one of the pool of its name. */
async function inPool(
  name: string,
  options: { readonly recoveryDelayMs?: null } = {},
): Promise<FakeGateway> {
  await dash.database.db.rows('insert into dash.pools (id, match_labels) values ($1, $2)', [
    name,
    JSON.stringify({ only: name }),
  ]);
  return dash.addGateway(name, { labels: { only: name }, ...options });
}

const near = (task: Partial<Parameters<TestDash['submit']>[0]>): Promise<string> =>
  dash.submit({ prompt: 'x [[say:y]]', pool: 'near', ...task });

/** As the API does it; answers whether it ended the task at once. */
async function cancel(taskId: string): Promise<string> {
  const result = await requestCancel(dash.database.db, {
    taskId,
    reason: 'cancelled',
    actor: 'test',
  });
  const workflowId =
    result.kind === 'requested' || result.kind === 'settled' ? result.workflowId : null;
  if (workflowId !== null) await dash.messages.signalTaskCancel(workflowId);
  return result.kind;
}

async function stateOf(taskId: string): Promise<string | undefined> {
  return (await getTask(dash.database.db, taskId))?.state;
}

async function heldLanes(gatewayId: string): Promise<number> {
  const rows = await dash.database.db.rows<{ held: number }>(
    'select count(*)::integer as held from dash.attempts where holds_lane and gateway_id = $1',
    [gatewayId],
  );
  return rows[0]?.held ?? -1;
}

/** No lane leaks: what the rows hold is what the gateway executes, and here that is nothing. */
async function expectIdle(it: FakeGateway, gatewayId: string): Promise<void> {
  await eventually(async () => (await heldLanes(gatewayId)) === 0, { what: 'the lanes of rows' });
  expect(it.log.runningNow()).toEqual([]);
}

test('a task that waits, for whatever reason, ends at once when it is cancelled and never runs (R13, P28)', async () => {
  const { db } = dash.database;
  await setFleetPaused(db, { paused: true, actor: 'test' });
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const queued = await near({});
  const scheduled = await near({ notBefore: inAnHour });
  await near({ sessionKey: 'talk' }).then((head) => expect(stateOf(head)).resolves.toBe('queued'));
  const waiting = await near({ sessionKey: 'talk' });
  await near({ sessionKey: 'apart' });
  await quarantineSession(db, { tenant: 'default', key: 'apart', reason: 'test', actor: 'test' });
  const behind = await near({ sessionKey: 'apart' });
  const blocked = await db.rows<{ id: string }>(
    `select id from dash.tasks where state = 'blocked' and state_reason = 'quarantine'`,
  );
  const cancelled = [queued, scheduled, waiting, behind, ...blocked.map(({ id }) => id)];
  for (const taskId of cancelled) expect(await cancel(taskId)).toBe('settled');
  await setFleetPaused(db, { paused: false, actor: 'test' });
  const after = await near({ prompt: '[[say:free]]' });
  expect((await dash.ended(after)).output).toBe('free');
  expect(cancelled).toHaveLength(5);
  for (const taskId of cancelled) {
    expect(await stateOf(taskId)).toBe('cancelled');
    expect(gateway.log.runsStarted(taskId)).toEqual([]);
  }
}, 60_000);

test.each(['run-task.row-read', 'run-task.looked', 'run-task.sending-committed', 'run-task.sent'])(
  'a dispatched task that is cancelled at %s ends as cancelled, with nothing left executing (R13, P23)',
  async (point) => {
    const reached = race.hold(point);
    const taskId = await near({ prompt: '[[hang]]' });
    const held = await reached;
    await cancel(taskId);
    held.resume();
    expect((await dash.ended(taskId)).state).toBe('cancelled');
    const isBeforeSend = point === 'run-task.row-read' || point === 'run-task.looked';
    if (isBeforeSend) expect(gateway.log.runsStarted(taskId)).toEqual([]);
    await expectIdle(gateway, 'near');
  },
  30_000,
);

test('running, in back-off, and waiting for a person: cancelled is what the gateway has confirmed (R13, P28, P29)', async () => {
  const running = await near({ prompt: '[[hang]]' });
  const failing = await near({ prompt: '[[fail:provider-down]]' });
  await eventually(() => gateway.log.runsStarted(running).length === 1);
  await eventually(async () => (await stateOf(failing)) === 'backoff');
  await cancel(failing);
  await cancel(running);
  expect((await dash.ended(running)).state).toBe('cancelled');
  expect((await dash.ended(failing)).state).toBe('cancelled');
  expect(gateway.log.runsStarted(failing)).toHaveLength(1);
  await expectIdle(gateway, 'near');

  const unknown = await dash.submit({ prompt: '[[hang]]', pool: 'fragile' });
  await eventually(() => fragile.log.runsStarted(unknown).length === 1);
  await fragile.crash();
  await fragile.start();
  await eventually(async () => (await stateOf(unknown)) === 'deciding', { timeoutMs: 30_000 });
  await cancel(unknown);
  expect((await dash.ended(unknown)).state).toBe('cancelled');
  await expectIdle(fragile, 'fragile');
}, 90_000);

test('a cancel while nobody owns the gateway is honoured by its next owner (R13, P28, P32)', async () => {
  const taskId = await dash.submit({ prompt: '[[hang]]', pool: 'far' });
  await eventually(() => far.log.runsStarted(taskId).length === 1);
  farHost.signal('SIGKILL');
  expect(await cancel(taskId)).toBe('requested');
  await dash.startHost('host-b');
  expect((await dash.ended(taskId, 40_000)).state).toBe('cancelled');
  expect(far.log.runsStarted(taskId)).toHaveLength(1);
  await expectIdle(far, 'far');
}, 90_000);

test('a task that takes its gateway down each time is a dead letter after exactly maxAttempts, and the fleet goes on (R7, P27)', async () => {
  let restart: Promise<void> | null = null;
  fragile.setScript((turn) => {
    if (!turn.prompt.includes('poison')) return undefined;
    restart ??= fragile
      .crash()
      .then(() => fragile.start())
      .finally(() => (restart = null));
    return { kind: 'hang' };
  });
  const poison = await dash.submit({
    prompt: 'poison',
    pool: 'fragile',
    maxAttempts: 2,
    idempotent: true,
  });
  const once = await dash.submit({ prompt: 'poison once', pool: 'fragile' });
  const others = await Promise.all(Array.from({ length: 5 }, () => near({})));
  for (const taskId of others) expect((await dash.ended(taskId)).state).toBe('completed');
  expect(await dash.ended(poison, 60_000)).toMatchObject({
    state: 'dead',
    failure: { reason: 'attempts' },
  });
  // An attempt that met the gateway while it was down never ran, and does not count.
  const attempts = (await taskAttempts(dash.database.db, poison)).filter(
    ({ state }) => state !== 'released',
  );
  expect(attempts.map(({ failure }) => failure?.class)).toEqual(['interrupted', 'interrupted']);
  expect(fragile.log.runsStarted(poison)).toHaveLength(2);
  expect(await getDeadLetter(dash.database.db, poison)).toMatchObject({
    failureClass: 'interrupted',
    attempts: 2,
  });
  // Nobody said that this one may be done twice: it is sent once, and a person decides.
  await eventually(async () => (await stateOf(once)) === 'deciding', { timeoutMs: 30_000 });
  expect(fragile.log.runsStarted(once)).toHaveLength(1);
  fragile.setScript(null);
  const after = await dash.submit({ prompt: '[[say:alive]]', pool: 'fragile' });
  expect((await dash.ended(after, 30_000)).output).toBe('alive');
}, 120_000);

test('a gateway that falls silent costs no attempt: what runs there is followed when it is heard again (R15, G18)', async () => {
  const taskId = await near({ prompt: '[[sleep:1500]][[say:heard]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1);
  gateway.mute(true);
  const later = await near({ prompt: '[[say:next]]' });
  await eventually(() => gateway.log.answers(taskId).length === 1, { timeoutMs: 10_000 });
  expect(await stateOf(taskId)).toBe('dispatched');
  gateway.mute(false);
  gateway.cutSockets();
  expect((await dash.ended(taskId, 40_000)).output).toBe('heard');
  expect((await dash.ended(later, 40_000)).output).toBe('next');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  expect(await taskAttempts(dash.database.db, taskId)).toHaveLength(1);
  await expectIdle(gateway, 'near');
}, 90_000);

test('after any mix of answers, failures, retries and cancels the lanes in rows are the gateway’s truth (R14, G3)', async () => {
  const prompts = ['[[say:a]]', '[[sleep:300]][[say:b]]', '[[hang]]', '[[fail:bad-request]]'];
  const tasks = await Promise.all(
    Array.from({ length: 24 }, (_, index) =>
      near({
        prompt: `${prompts[index % prompts.length]}`,
        maxAttempts: 2,
        ...(index % 3 === 0 ? { sessionKey: `mix-${index % 6}` } : {}),
      }),
    ),
  );
  const endings = tasks.map(async (taskId, index) => {
    const endless = prompts[index % prompts.length] === '[[hang]]';
    if (endless)
      await eventually(() => gateway.log.runsStarted(taskId).length > 0, { timeoutMs: 40_000 });
    if (endless || index % 5 === 0) await cancel(taskId);
    return dash.ended(taskId, 60_000);
  });
  const ended = await Promise.all(endings);
  expect(new Set(ended.map(({ state }) => state))).toEqual(
    new Set(['completed', 'cancelled', 'dead']),
  );
  await expectIdle(gateway, 'near');
  expect(gateway.log.maxOverlap()).toBeLessThanOrEqual(4);
}, 90_000);

test('dead letters are replayed in bulk by a workflow, once each, also when a bound on open work delays it (R8, P7)', async () => {
  const { db } = dash.database;
  const letters = await Promise.all(
    Array.from({ length: 6 }, () => near({ prompt: '[[fail:bad-request]]', agent: 'main' })),
  );
  for (const taskId of letters) expect((await dash.ended(taskId)).state).toBe('dead');
  await near({ notBefore: new Date(Date.now() + 3_600_000).toISOString() });
  await setLimits(db, { maxOpenTasks: 1 });
  const made = await Promise.all(letters.map((taskId) => getDeadLetter(db, taskId)));
  const [from = ''] = made.map((letter) => letter?.createdAt ?? '').toSorted();
  const accepted = await acceptBulk(db, {
    id: newId('bulk'),
    action: 'replay',
    filter: { reasons: ['permanent'], pool: 'near', from },
    edits: { prompt: '[[say:mended]]' },
    actor: 'test',
  });
  if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
  const bulkId = accepted.operation.id;
  await dash.messages.startBulk(bulkId);
  await dash.messages.startBulk(bulkId);
  await eventually(async () => (await getBulk(db, bulkId))?.waitingFor !== null);
  await setLimits(db, { maxOpenTasks: 1_000 });
  await eventually(async () => (await getBulk(db, bulkId))?.state === 'completed', {
    timeoutMs: 20_000,
  });
  for (const taskId of letters) {
    const letter = await getDeadLetter(db, taskId);
    expect(letter).toMatchObject({ state: 'replayed', bulkId });
    expect((await dash.ended(letter?.replayTaskId ?? '')).output).toBe('mended');
  }
  const workflow = dash.temporal.client.workflow.getHandle(`bulk/${bulkId}`);
  await eventually(async () => (await workflow.describe()).status.name === 'COMPLETED');
}, 60_000);
