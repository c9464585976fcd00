import { afterEach, describe, expect, test } from '@jest/globals';
import { DEFAULT_ATTEMPT_POLICY } from '../../../src/domain/attempt-protocol-policy.ts';
import { createRacePoints } from '../../../src/platform/race-points.ts';
import type { Misbehaviour } from '../../../src/gateway/fake-gateway/misbehaviour.ts';
import { withDatabase } from '../../support/database.ts';
import { RunTaskBench } from './bench.ts';

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

describe('one attempt from its row to its answer', () => {
  test('the whole task ends inside one activity: answer, rows, lane (P21)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[say:forty two]]');
    await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'completed' });
    const row = await it.row(attempt);
    expect(row).toMatchObject({ state: 'closed', outcome: 'succeeded', holdsLane: false });
    expect(row.runIds).toEqual([`${attempt.taskId}-a1`]);
    expect(row.task.end).toMatchObject({ state: 'completed', output: 'forty two' });
    expect(it.fake.log.executions(`${attempt.taskId}-a1`)).toBe(1);
  });

  test('the row says what is sent, and where, before the wire does (P23)', async () => {
    const it = await start();
    const race = createRacePoints();
    const host = await it.host('host-a', { race });
    const attempt = await it.claim(host, 'hello');
    const committed = race.hold('run-task.sending-committed');
    const running = host.run(attempt);
    const held = await committed;
    expect(await it.row(attempt)).toMatchObject({
      state: 'sending',
      runIds: [`${attempt.taskId}-a1`],
      bootId: it.fake.bootId(),
    });
    expect(it.framesOf(attempt)).toEqual([]);
    held.resume();
    await running;
    expect(it.framesOf(attempt)).toHaveLength(1);
  });

  test('an attempt that has ended answers from its row, without a look at the gateway (P21)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, 'hello');
    const first = await host.run(attempt);
    await it.fake.crash();
    await expect(host.run(attempt)).resolves.toEqual(first);
    await it.fake.start();
  });

  test('the end of a failed attempt names its class and what is left (P21, R7)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, '[[status:400]]');
    const result = await host.run(attempt);
    expect(result).toMatchObject({
      kind: 'failed',
      failure: { class: 'permanent' },
      attemptsUsed: 1,
      maxAttempts: 3,
    });
    await expect(host.run(attempt)).resolves.toEqual(result);
    expect(await it.row(attempt)).toMatchObject({ state: 'closed', holdsLane: false });
  });

  test('an agent that the gateway does not know fails for good, and was never started (R7)', async () => {
    const it = await start();
    const host = await it.host('host-a');
    const attempt = await it.claim(host, 'hello', { agent: 'nobody' });
    await expect(host.run(attempt)).resolves.toMatchObject({
      kind: 'failed',
      failure: { class: 'permanent' },
    });
    expect(it.fake.log.runsStarted(attempt.taskId)).toEqual([]);
  });
});

describe('an answer that never came', () => {
  test.each<Misbehaviour>([
    'drop-before',
    'drop-after',
    'ignore',
    'silence',
    'null',
    'garbage',
    'half-frame',
  ])(
    'after a send that ended in %s the run is looked for, and executed once (R10)',
    async (misbehaviour) => {
      const it = await start();
      const host = await it.host('host-a');
      const attempt = await it.claim(host, '[[say:once]]');
      it.fake.setMisbehaviour(({ method, nth }) =>
        method === 'agent' && nth === 1 ? misbehaviour : undefined,
      );
      await expect(host.run(attempt)).resolves.toEqual({ kind: 'settled', state: 'completed' });
      expect(it.fake.log.runsStarted(attempt.taskId)).toHaveLength(1);
      expect((await it.row(attempt)).task.end?.output).toBe('once');
    },
  );

  test('40 tasks whose every second send is lost on one way or the other: none doubled, none lost (R10)', async () => {
    const it = await start({ lanes: 16 });
    // While the sockets drop, what is certainly unsent would be given back after this: here all of it is to be sent.
    const { unsentWaitMs } = DEFAULT_ATTEMPT_POLICY;
    const host = await it.host('host-a', { policy: { unsentWaitMs } });
    it.fake.setMisbehaviour(({ method, nth }) => {
      if (method !== 'agent' || nth % 2 === 0) return undefined;
      return nth % 3 === 0 ? 'drop-after' : 'drop-before';
    });
    const attempts = [];
    for (let n = 0; n < 40; n += 1) attempts.push(await it.claim(host, `[[say:${n}]]`));
    const results = await Promise.all(attempts.map((attempt) => host.run(attempt)));
    expect(results).toEqual(attempts.map(() => ({ kind: 'settled', state: 'completed' })));
    for (const attempt of attempts) {
      expect(it.fake.log.runsStarted(attempt.taskId)).toHaveLength(1);
    }
  }, 60_000);
});
