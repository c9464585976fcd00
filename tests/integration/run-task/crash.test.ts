import { afterEach, describe, expect, test } from '@jest/globals';
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

async function executing(it: RunTaskBench, attempt: ClaimedAttempt): Promise<void> {
  const what = `${attempt.taskId} to execute`;
  await eventually(() => it.fake.log.runsStarted(attempt.taskId).length > 0, { what });
  await eventually(async () => (await it.row(attempt)).state === 'accepted', { what });
}

describe('a gateway that dies under a run', () => {
  test('its own recovery run is adopted: one attempt, one answer (P22 case 3)', async () => {
    const it = await start({
      recoveryDelayMs: 300,
      script: ({ isRecovery }) =>
        isRecovery ? { kind: 'answer', text: 'resumed', delayMs: 200 } : { kind: 'hang' },
    });
    const host = await it.host('host-a');
    const attempt = await it.claim(host, 'work');
    const running = host.run(attempt);
    await executing(it, attempt);
    await it.fake.crash();
    await it.fake.start();
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'completed' });
    const row = await it.row(attempt);
    expect(row.recoveryRunIds).toHaveLength(1);
    expect(row.runIds).toEqual([`${attempt.taskId}-a1`]);
    expect(row.task.end?.output).toBe('resumed');
    expect(it.framesOf(attempt)).toHaveLength(1);
    expect(it.fake.log.answers(attempt.taskId)).toHaveLength(1);
    expect(it.fake.log.maxOverlap()).toBe(1);
  });

  test('turns that are resumed one after the other outlast the grace, and each is adopted in its turn (P22 case 5, ADR 0010)', async () => {
    const it = await start({
      recoveryDelayMs: 100,
      script: ({ isRecovery }) =>
        isRecovery ? { kind: 'answer', text: 'resumed', delayMs: 2_500 } : { kind: 'hang' },
    });
    const host = await it.host('host-a', { policy: { recoveryGraceMs: 1_000 } });
    const attempts = [await it.claim(host, 'one'), await it.claim(host, 'two')];
    const running = attempts.map((attempt) => host.run(attempt));
    await Promise.all(attempts.map((attempt) => executing(it, attempt)));
    await it.fake.crash();
    await it.fake.start();
    for (const result of await Promise.all(running)) {
      expect(result).toEqual({ kind: 'settled', state: 'completed' });
    }
    for (const attempt of attempts) {
      expect((await it.row(attempt)).recoveryRunIds).toHaveLength(1);
      expect(it.framesOf(attempt)).toHaveLength(1);
    }
    expect(host.heartbeats).toContain(
      'waits for the gateway to resume this turn: it resumes others first',
    );
    expect(host.heartbeats.at(-1)).toBeNull();
  });

  test('an input that never began is sent again under the next run id, and only that one runs (P22 case 4)', async () => {
    const it = await start({ lanes: 1 });
    it.fake.personChats('agent:main:other', '[[hang]]');
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[say:second]]');
    const running = host.run(attempt);
    await eventually(async () => (await it.row(attempt)).state === 'accepted');
    await it.fake.crash();
    it.fake.setLanes(8);
    await it.fake.start();
    await expect(running).resolves.toEqual({ kind: 'settled', state: 'completed' });
    const [first, second] = [`${attempt.taskId}-a1`, `${attempt.taskId}-a1r1`];
    expect(it.framesOf(attempt)).toEqual([first, second]);
    expect((await it.row(attempt)).runIds).toEqual([first, second]);
    expect(it.fake.log.executions(first)).toBe(0);
    expect(it.fake.log.executions(second)).toBe(1);
  });

  test('a turn that nobody resumes goes to a person, with its lane given back (P22 case 5)', async () => {
    const it = await start({ recoveryDelayMs: null });
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await executing(it, attempt);
    await it.fake.crash();
    await it.fake.start();
    await expect(running).resolves.toEqual({ kind: 'indeterminate', reason: 'no-recovery' });
    expect(await it.row(attempt)).toMatchObject({ state: 'indeterminate', holdsLane: false });
    expect(it.framesOf(attempt)).toHaveLength(1);
  });

  test('a recovery that comes too late for the grace is carried on all the same, without a person (States)', async () => {
    const it = await start({
      recoveryDelayMs: 2_500,
      script: ({ isRecovery }) =>
        isRecovery ? { kind: 'answer', text: 'late' } : { kind: 'hang' },
    });
    const host = await it.host('host-a');
    const attempt = await it.claim(host, 'work');
    const running = host.run(attempt);
    await executing(it, attempt);
    await it.fake.crash();
    await it.fake.start();
    await expect(running).resolves.toMatchObject({ kind: 'indeterminate' });
    await eventually(async () => (await host.runTask.reviewAttempt(attempt)).kind === 'appeared', {
      what: 'the late recovery',
      everyMs: 100,
    });
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'completed' });
    expect((await it.row(attempt)).task.end?.output).toBe('late');
  });

  test('another state directory at the same address proves nothing: a person is asked (P22 case 9)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await executing(it, attempt);
    await it.fake.crash();
    it.fake.wipeState();
    await it.fake.start();
    await expect(running).resolves.toEqual({ kind: 'indeterminate', reason: 'state-replaced' });
    expect(it.framesOf(attempt)).toHaveLength(1);
  });

  test('while it is away for longer than the bound nobody can know, and the lane stays held (P27)', async () => {
    const it = await start();
    const host = await it.host('host-a', { policy: { gatewayGoneMs: 400 } });
    const attempt = await it.claim(host, '[[hang]]');
    const running = host.run(attempt);
    await executing(it, attempt);
    await it.fake.crash();
    await expect(running).resolves.toEqual({ kind: 'indeterminate', reason: 'gateway-gone' });
    expect(await it.row(attempt)).toMatchObject({ state: 'indeterminate', holdsLane: true });
    await it.fake.start();
  });

  test('what was never sent goes back to the queue instead (P27)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, 'hello');
    await it.fake.crash();
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'superseded' });
    const row = await it.row(attempt);
    expect(row).toMatchObject({ state: 'released', holdsLane: false });
    expect(row.task.state).toBe('queued');
    await it.fake.start();
  });
});
