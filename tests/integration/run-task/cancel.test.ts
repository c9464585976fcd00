import { afterEach, describe, expect, test } from '@jest/globals';
import { requestCancel } from '../../../src/db/cancel.ts';
import { createRacePoints } from '../../../src/platform/race-points.ts';
import { eventually } from '../../support/eventually.ts';
import { withDatabase } from '../../support/database.ts';
import { RunTaskBench, type ClaimedAttempt } from './bench.ts';

const database = withDatabase();
let bench: RunTaskBench | null = null;

afterEach(async () => {
  await bench?.close();
  bench = null;
});

async function start(
  options: Parameters<typeof RunTaskBench.start>[1] = {},
): Promise<RunTaskBench> {
  bench = await RunTaskBench.start(database().db, options);
  return bench;
}

const cancel = (it: RunTaskBench, { taskId }: ClaimedAttempt) =>
  requestCancel(it.db, { taskId, reason: 'cancelled', actor: 'test' });

async function accepted(it: RunTaskBench, attempt: ClaimedAttempt): Promise<void> {
  await eventually(async () => (await it.row(attempt)).state === 'accepted');
}

describe('a cancel', () => {
  test.each(['run-task.row-read', 'run-task.looked'])(
    'that comes before the send (at %s) is honoured: nothing ever runs (P23, R13)',
    async (point) => {
      const it = await start();
      const race = createRacePoints();
      const host = await it.host('host-a', { race });
      const attempt = await it.claim(host, 'hello');
      const reached = race.hold(point);
      const running = host.run(attempt);
      const held = await reached;
      await cancel(it, attempt);
      held.resume();
      await expect(running).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
      expect(await it.row(attempt)).toMatchObject({ state: 'released', holdsLane: false });
      expect(it.framesOf(attempt)).toEqual([]);
    },
  );

  test('that comes between the commit and the frame ends what was sent (P28, R13)', async () => {
    const it = await start();
    const race = createRacePoints();
    const host = await it.host('host-a', { race });
    const attempt = await it.claim(host, '[[hang]]');
    const reached = race.hold('run-task.sending-committed');
    const running = host.run(attempt);
    const held = await reached;
    await cancel(it, attempt);
    held.resume();
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
    expect(it.fake.log.runningNow()).toEqual([]);
  });

  test('of a running attempt is confirmed at the gateway before it is terminal (P28, R13)', async () => {
    const it = await start();
    const host = await it.host('host-a', { cancelPollMs: 60_000 });
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await accepted(it, attempt);
    await cancel(it, attempt);
    host.runTask.cancelNoticed(attempt.attemptId);
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
    const row = await it.row(attempt);
    expect(row).toMatchObject({ state: 'closed', outcome: 'cancelled', holdsLane: false });
    expect(it.fake.log.runningNow()).toEqual([]);
  });

  test('is learnt from the row when nobody is told of it (P28)', async () => {
    const it = await start();
    const host = await it.host('host-a', { cancelPollMs: 100 });
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await accepted(it, attempt);
    await cancel(it, attempt);
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
  });

  test('that the gateway does not confirm goes to a person and keeps the lane until the gateway says free (R13)', async () => {
    const it = await start();
    const host = await it.host('host-a', { policy: { abortBoundMs: 500 } });
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await accepted(it, attempt);
    it.fake.setMisbehaviour(({ method }) => (method === 'sessions.abort' ? 'ignore' : undefined));
    await cancel(it, attempt);
    await expect(running).resolves.toEqual({ kind: 'indeterminate', reason: 'abort-unconfirmed' });
    expect(await it.row(attempt)).toMatchObject({ state: 'indeterminate', holdsLane: true });

    it.fake.setMisbehaviour(null);
    await expect(host.runTask.abortAttempt(attempt)).resolves.toEqual({ kind: 'confirmed' });
    expect(it.fake.log.runningNow()).toEqual([]);
    await expect(host.runTask.reviewAttempt(attempt)).resolves.toEqual({ kind: 'appeared' });
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
    expect((await it.row(attempt)).holdsLane).toBe(false);
  });

  test('after the answer was there changes nothing: the answer is kept (P6)', async () => {
    const it = await start();
    const race = createRacePoints();
    const host = await it.host('host-a', { race });
    const attempt = await it.claim(host, '[[say:done]]');
    const reached = race.hold('run-task.before-settle');
    const running = host.run(attempt);
    const held = await reached;
    await cancel(it, attempt);
    held.resume();
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'completed' });
  });
});

describe('deadline and limit', () => {
  test('a deadline that passes under a run ends it as expired, confirmed at the gateway (P19, P28)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const deadlineAt = new Date(Date.now() + 700).toISOString();
    const attempt = await it.claim(host, '[[hang]]', { deadlineAt });
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'expired' });
    expect(await it.row(attempt)).toMatchObject({ state: 'closed', outcome: 'expired' });
    expect(it.fake.log.runningNow()).toEqual([]);
  });

  test('a run beyond its limit is ended and fails for lack of time, to be tried again (P19)', async () => {
    const it = await start();
    const host = await it.host('host-a', { policy: { runLimitMarginMs: 300 } });
    const attempt = await it.claim(host, '[[hang]]', { runLimitSeconds: 1 });
    await expect(host.run(attempt)).resolves.toMatchObject({
      kind: 'failed',
      failure: { timedOut: true },
    });
    expect(it.fake.log.runningNow()).toEqual([]);
  });
});

describe('abortAttempt', () => {
  test('ends nothing that nobody asked to end (P26)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[sleep:300]][[say:done]]');
    const running = host.run(attempt);
    await accepted(it, attempt);
    await expect(host.runTask.abortAttempt(attempt)).resolves.toMatchObject({
      kind: 'unconfirmed',
    });
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'completed' });
  });

  test('hastens a cancel: the run that lives here ends as cancelled (P28)', async () => {
    const it = await start();
    const host = await it.host('host-a', { cancelPollMs: 60_000 });
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await accepted(it, attempt);
    await cancel(it, attempt);
    await expect(host.runTask.abortAttempt(attempt)).resolves.toEqual({ kind: 'confirmed' });
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'cancelled' });
  });
});
