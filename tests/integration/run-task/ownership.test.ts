import { afterEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { NotPermitted } from '../../../activities/hold-gateway/lease.ts';
import { temporalActivity } from '../../../activities/run-task/temporal-activity.ts';
import type { RunRows, WaitingActivity } from '../../../activities/run-task/ports.ts';
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

async function accepted(it: RunTaskBench, attempt: ClaimedAttempt): Promise<void> {
  await eventually(async () => (await it.row(attempt)).state === 'accepted');
}

const DONE = { kind: 'settled', state: 'completed' };

describe('one run per attempt in a host', () => {
  test('two activities of the same attempt wait for one run (P21)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[sleep:200]]');
    const results = await Promise.all([host.run(attempt), host.run(attempt)]);
    expect(results).toEqual([DONE, DONE]);
    expect(it.framesOf(attempt)).toHaveLength(1);
    expect(it.fake.log.requests('tasks.list').length).toBeLessThan(5);
  });

  test('a run that begins before its activity is joined by it, or has its end read by it; it is sent once (P21)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const [slow, quick] = [
      await it.claim(host, '[[sleep:300]]'),
      await it.claim(host, '[[say:quick]]'),
    ];
    for (const attempt of [slow, quick]) host.runTask.begin(attempt);
    await eventually(async () => (await it.row(quick)).state === 'closed');
    expect(await Promise.all([host.run(slow), host.run(quick)])).toEqual([DONE, DONE]);
    expect(it.framesOf(slow)).toHaveLength(1);
    expect(it.framesOf(quick)).toHaveLength(1);
  });

  test('an activity that Temporal gave up detaches; its run goes on, and the next one joins it (P26)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[sleep:500]]');
    const lost = new AbortController();
    const first = host.run(attempt, lost.signal);
    await accepted(it, attempt);
    lost.abort();
    await expect(first).rejects.toMatchObject({
      type: 'Detached',
      nonRetryable: false,
      nextRetryDelay: '100ms',
    });
    const looksBefore = it.fake.log.requests('chat.history').length;
    await expect(host.run(attempt)).resolves.toEqual(DONE);
    expect(it.framesOf(attempt)).toHaveLength(1);
    expect(it.fake.log.requests('chat.history')).toHaveLength(looksBefore + 1);
    expect(it.fake.log.requests('sessions.abort')).toEqual([]);
  });

  test('a run that nobody waits for any more still writes its end (P26)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[sleep:300]]');
    const lost = new AbortController();
    const first = host.run(attempt, lost.signal);
    await accepted(it, attempt);
    lost.abort();
    await expect(first).rejects.toMatchObject({ type: 'Detached' });
    await eventually(async () => (await it.row(attempt)).state === 'closed');
    await expect(host.run(attempt)).resolves.toEqual(DONE);
  });

  test('the cancellation of the Temporal activity, of whatever kind, touches no run (P26, P34)', async () => {
    const environment = new MockActivityEnvironment();
    const activity = (await environment.run(() =>
      Promise.resolve(temporalActivity()),
    )) as WaitingActivity;
    expect(activity.lost.aborted).toBe(false);
    environment.cancel('WORKER_SHUTDOWN');
    expect(activity.lost.aborted).toBe(true);
  });
});

describe('from one host to the next', () => {
  test('a host that closes lets its runs go, and the next one follows the same run (P34)', async () => {
    const it = await start();
    const first = await it.host('host-a');
    const attempt = await it.claim(first, '[[sleep:800]]');
    const running = first.run(attempt);
    await accepted(it, attempt);
    await first.runTask.close();
    await expect(running).rejects.toMatchObject({ type: 'Detached' });
    const second = await it.host('host-b');
    await expect(second.run(attempt)).resolves.toEqual(DONE);
    expect(it.framesOf(attempt)).toHaveLength(1);
    expect(it.fake.log.requests('sessions.abort')).toEqual([]);
  });

  test.each([
    'run-task.row-read',
    'run-task.looked',
    'run-task.sending-committed',
    'run-task.before-frame',
    'run-task.sent',
    'run-task.accepted-recorded',
    'run-task.followed',
    'run-task.before-settle',
    'run-task.settled',
  ])(
    'a host that dies at %s leaves everything to the next: one run, one answer (P21, R11)',
    async (point) => {
      const it = await start();
      const race = createRacePoints();
      const first = await it.host('host-a', { race });
      const attempt = await it.claim(first, '[[say:once]]');
      const reached = race.hold(point);
      void first.run(attempt).catch(() => undefined);
      const held = await reached;
      const second = await it.host('host-b');
      await expect(second.run(attempt)).resolves.toEqual(DONE);
      expect(it.fake.log.runsStarted(attempt.taskId)).toHaveLength(1);
      expect((await it.row(attempt)).task.end?.output).toBe('once');
      held.resume();
    },
  );

  test.each([true, false])(
    'a host that was frozen before its frame is fenced when it wakes (its hold still renewed: %s) (P24)',
    async (renewed) => {
      const it = await start();
      const race = createRacePoints();
      const frozen = await it.host('host-a', { race, renewed });
      const attempt = await it.claim(frozen, '[[say:once]]');
      const reached = race.hold('run-task.before-frame');
      const running = frozen.run(attempt);
      const held = await reached;
      if (renewed) frozen.lease.close();
      const next = await it.host('host-b');
      await expect(next.run(attempt)).resolves.toEqual(DONE);
      held.resume();
      await expect(running).rejects.toMatchObject({ type: 'Detached' });
      expect(it.framesOf(attempt)).toHaveLength(1);
      expect(it.fake.log.runsStarted(attempt.taskId)).toHaveLength(1);
    },
  );

  test('a gateway that was lost and regained meanwhile does not make an old frame good (P24, P25)', async () => {
    const it = await start();
    const race = createRacePoints();
    const frozen = await it.host('host-a', { race });
    const attempt = await it.claim(frozen, '[[say:once]]');
    const reached = race.hold('run-task.before-frame');
    const running = frozen.run(attempt);
    const held = await reached;
    const next = await it.host('host-b');
    await expect(next.run(attempt)).resolves.toEqual(DONE);
    await frozen.regain();
    await eventually(() => frozen.lease.isFresh());
    held.resume();
    await expect(running).rejects.toMatchObject({ type: 'Detached' });
    await expect(frozen.run(attempt)).resolves.toEqual(DONE);
    expect(it.framesOf(attempt)).toHaveLength(1);
  });

  test('a host that was frozen before its commit writes nothing when it wakes (P25)', async () => {
    const it = await start();
    const race = createRacePoints();
    const frozen = await it.host('host-a', { race });
    const attempt = await it.claim(frozen, '[[hang]]');
    const reached = race.hold('run-task.looked');
    const running = frozen.run(attempt);
    const held = await reached;
    const next = await it.host('host-b');
    const carried = next.run(attempt).catch((error: unknown) => error);
    await accepted(it, attempt);
    held.resume();
    await expect(running).rejects.toMatchObject({ type: 'Detached' });
    expect((await it.row(attempt)).state).toBe('accepted');
    await next.runTask.close();
    await carried;
  });

  test('without any proof of ownership nothing is sent, and the run waits for one (P24)', async () => {
    const it = await start();
    let away = true;
    const host = await it.host('host-a', {
      beforePermit: async () => {
        if (away) throw new NotPermitted('unproven');
      },
    });
    const attempt = await it.claim(host, '[[say:later]]');
    const running = host.run(attempt);
    await eventually(async () => (await it.row(attempt)).state === 'sending');
    expect(it.framesOf(attempt)).toEqual([]);
    away = false;
    await expect(running).resolves.toEqual(DONE);
    expect(it.framesOf(attempt)).toHaveLength(1);
  });
});

describe('bad weather', () => {
  function flaky(rows: RunRows, name: keyof RunRows, errors: Error[]): RunRows {
    const store = rows[name] as (...args: unknown[]) => Promise<unknown>;
    return {
      ...rows,
      [name]: (...args: unknown[]) => {
        const error = errors.shift();
        return error === undefined ? store(...args) : Promise.reject(error);
      },
    };
  }
  const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

  test('while PostgreSQL is away the run goes on, and its end is written when it is back', async () => {
    const it = await start();
    const host = await it.host('host-a', {
      rows: (rows) => flaky(rows, 'settleTask', [refused(), refused()]),
    });
    const attempt = await it.claim(host, '[[say:kept]]');
    await expect(host.run(attempt)).resolves.toEqual(DONE);
    const row = await it.row(attempt);
    expect(row.task.end?.output).toBe('kept');
    expect(row.unexpected).toBe(0);
  });

  test('a settle whose answer was lost is repeated, and says what stands (P6)', async () => {
    const it = await start();
    let lost = false;
    const host = await it.host('host-a', {
      rows: (rows) => ({
        ...rows,
        async settleTask(options) {
          const answer = await rows.settleTask(options);
          if (lost) return answer;
          lost = true;
          throw refused();
        },
      }),
    });
    const attempt = await it.claim(host, '[[say:kept]]');
    await expect(host.run(attempt)).resolves.toEqual(DONE);
  });

  test('what nobody foresaw is counted in the row and bounded; then a person is asked (P19)', async () => {
    const it = await start();
    const broken = () => new Error('a bug');
    const host = await it.host('host-a', {
      rows: (rows) => flaky(rows, 'beginSending', Array.from({ length: 9 }, broken)),
    });
    const attempt = await it.claim(host, 'hello');
    await expect(host.run(attempt)).resolves.toEqual({
      kind: 'indeterminate',
      reason: 'unexpected',
    });
    const row = await it.row(attempt);
    expect(row.unexpected).toBe(5);
    expect(JSON.stringify(row.evidence)).toContain('a bug');
    expect(it.framesOf(attempt)).toEqual([]);
  }, 30_000);

  test('an unexpected error or two do not cost an attempt (P19)', async () => {
    const it = await start();
    const host = await it.host('host-a', {
      rows: (rows) => flaky(rows, 'markAccepted', [new Error('a bug'), new Error('a bug')]),
    });
    const attempt = await it.claim(host, '[[say:fine]]');
    await expect(host.run(attempt)).resolves.toEqual(DONE);
    expect(it.fake.log.runsStarted(attempt.taskId)).toHaveLength(1);
    expect((await it.row(attempt)).unexpected).toBeGreaterThan(0);
  });

  test('an attempt that the database does not have is said so, not retried', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const unknown = { taskId: 'task-0', attemptId: '00000000-0000-7000-8000-000000000000' };
    await expect(host.run(unknown)).rejects.toMatchObject({
      type: 'UnknownAttempt',
      nonRetryable: true,
    });
  });
});
