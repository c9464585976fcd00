import { afterEach, describe, expect, test } from '@jest/globals';

import { WireLog, type RunEntry } from '../../src/gateway/fake-gateway/wire-log.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, FakeFleet } from '../support/fake-gateway.ts';
import { granted, send, sessionOf } from '../support/gateway-client.ts';
import { RawGatewayClient } from '../support/raw-gateway-client.ts';

const fleet = new FakeFleet();

afterEach(() => fleet.close());

describe('rules that only the fake can show quickly', () => {
  test('runs share the lanes, first come first served, one per session (R17)', async () => {
    const gate = Promise.withResolvers<void>();
    const time = systemClock();
    const clock = {
      ...time,
      sleep: (ms: number, signal?: AbortSignal) =>
        ms === 61 ? gate.promise : time.sleep(ms, signal),
    };
    const fake = await fleet.gateway({ lanes: 2, clock });
    const connection = await fleet.connected(fake);
    const ids = ['lane-0', 'lane-1', 'lane-2', 'lane-3', 'lane-4'];
    for (const id of ids) await send(connection, id, '[[sleep:61]] [[say:x]]');
    expect(await connection.lanes()).toEqual({ active: 2, queued: 3, max: 2 });
    gate.resolve();
    await eventually(() => ids.every((id) => fake.log.answers(id).length === 1));
    expect(fake.log.maxOverlap()).toBe(2);
    expect(fake.log.runStarts().map(({ runId }) => runId)).toEqual(ids.map((id) => `${id}-a1`));
  });

  test('a restart that does not wait interrupts into recovery, like a crash (P38)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'cut', '[[sleep:300]] [[say:x]]');
    await fake.restart({ drainMs: 0 });
    await eventually(() => fake.log.answers('cut').length === 1);
    expect(fake.log.runsStarted('cut').map(({ resumes }) => resumes)).toEqual([null, 'cut-a1']);
  });

  test('a turn is resumed at most three times (R26)', async () => {
    const fake = await fleet.gateway({ recoveryDelayMs: 0 });
    const connection = await fleet.connected(fake);
    await send(connection, 'poison', '[[hang]]');
    for (let crashes = 1; crashes <= 5; crashes += 1) {
      await fake.crash();
      await fake.start();
      const expected = Math.min(crashes + 1, 4);
      await eventually(() => fake.log.runsStarted('poison').length === expected);
    }
    expect(fake.log.runsStarted('poison')).toHaveLength(4);
  });

  test('without a recovery the session shows a running turn that nobody executes (P22.5)', async () => {
    const fake = await fleet.gateway({ recoveryDelayMs: null });
    const connection = await fleet.connected(fake);
    await send(connection, 'given-up', '[[hang]]');
    await fake.crash();
    await fake.start();
    await eventually(() => connection.hello()?.bootId === fake.bootId());
    await connection.whenOpen({ timeoutMs: 5000 });
    const look = await connection.look({
      sessionKey: sessionOf('given-up'),
      runIds: ['given-up-a1'],
    });
    expect(look).toMatchObject({
      sessionStatus: 'running',
      recoveries: [],
      foreignRunIds: [],
      own: [{ userRow: true, endedByRestart: true, executing: false }],
    });
  });

  test('an input that was acknowledged but not begun is interrupted by a crash (P22.4)', async () => {
    const fake = await fleet.gateway({ beginDelayMs: 60_000 });
    const connection = await fleet.connected(fake);
    await send(connection, 'unbegun', 'x');
    expect(
      await connection.look({ sessionKey: sessionOf('unbegun'), runIds: ['unbegun-a1'] }),
    ).toMatchObject({
      own: [{ executing: true, pendingInput: 'queued', userRow: false }],
    });
    await fake.crash();
    await fake.start();
    await eventually(() => connection.hello()?.bootId === fake.bootId());
    await connection.whenOpen({ timeoutMs: 5000 });
    expect(
      await connection.look({ sessionKey: sessionOf('unbegun'), runIds: ['unbegun-a1'] }),
    ).toMatchObject({
      own: [{ executing: false, pendingInput: 'interrupted', userRow: false }],
    });
    expect(fake.log.runsStarted('unbegun')).toEqual([]);
  });

  test('failures of every class show as on a real gateway (R7)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const classes = new Map([
      ['bad-request', 'permanent'],
      ['unauthorized', 'permanent'],
      ['rate-limited', 'rate-limited'],
      ['provider-down', 'transient'],
      ['dropped', 'transient'],
      ['unknown', 'unknown'],
      ['unknown-model', 'permanent'],
      ['key-disabled', 'rate-limited'],
    ]);
    for (const [failure, failureClass] of classes) {
      await send(connection, failure, `[[fail:${failure}]]`);
      const look = await eventually(async () => {
        const seen = await connection.look({
          sessionKey: sessionOf(failure),
          runIds: [`${failure}-a1`],
        });
        return seen.kind === 'seen' && seen.own[0]?.failure ? seen.own[0] : undefined;
      });
      expect(look).toMatchObject({
        failure: { class: failureClass },
        answer: null,
        pendingInput: null,
      });
    }
  });

  test('control-plane writes are limited to thirty a minute, with a hint (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const prepare = (): Promise<unknown> =>
      connection.suspendPrepare({ requestId: 'r', drain: true, permit: granted });
    for (let n = 0; n < 30; n += 1) await prepare();
    const error = await failureOf(prepare());
    expect(error).toMatchObject({ code: 'UNAVAILABLE', outcome: 'refused', retryable: true });
    expect(error.retryAfterMs).toBeGreaterThan(50_000);
  });

  test('a suspension that nobody renews runs out (P38)', async () => {
    const fake = await fleet.gateway({ suspensionLeaseMs: 1000 });
    const connection = await fleet.connected(fake);
    await connection.suspendPrepare({ requestId: 'r', drain: true, permit: granted });
    expect(await send(connection, 'held', 'x')).toMatchObject({
      kind: 'refused',
      reason: 'suspended',
    });
    await eventually(async () => (await send(connection, 'held', 'x')).kind === 'accepted');
  });

  test('a question that waits for a run holds up the drain, as on a real gateway (P38)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const asking = await RawGatewayClient.connect(fake.endpoint, fake.token);
    asking.send('agent.wait', { runId: 'never', timeoutMs: 300 });
    await eventually(() => fake.log.requests('agent.wait').length === 1);
    const lease = { requestId: 'r', drain: true, permit: granted };
    expect((await connection.suspendPrepare(lease)).kind).toBe('draining');
    await eventually(async () => (await connection.suspendPrepare(lease)).kind === 'ready');
    await asking.close();
  });

  test('its health answers say live, started and ready, and what is missing (R32)', async () => {
    const fake = await fleet.gateway({ startupMs: 1000, controlUi: false });
    const get = async (path: string): Promise<[number, Record<string, unknown>]> => {
      const response = await fetch(`http://127.0.0.1:${fake.port}${path}`);
      return [response.status, (await response.json()) as Record<string, unknown>];
    };
    expect(await get('/healthz')).toEqual([200, { ok: true, status: 'live' }]);
    expect(await get('/readyz')).toMatchObject([
      503,
      { ready: false, failing: ['startup-sidecars'] },
    ]);
    await eventually(async () => (await get('/readyz'))[0] === 200);
    expect(await get('/startupz')).toMatchObject([200, { status: 'started' }]);
    const connection = await fleet.connected(fake);
    await connection.suspendPrepare({ requestId: 'r', drain: true, permit: granted });
    expect(await get('/readyz')).toMatchObject([503, { failing: ['gateway-draining'] }]);
    expect((await get('/healthz'))[0]).toBe(200);
    expect((await get('/nowhere'))[0]).toBe(404);
  });

  test('fifty of them live side by side in one process (R26)', async () => {
    const fakes = await Promise.all(
      Array.from({ length: 50 }, () => fleet.gateway({ wireLogDetail: 'runs' })),
    );
    await Promise.all(
      fakes.map(async (fake, n) => {
        const connection = await fleet.connected(fake);
        await send(connection, `of-${n}`, '[[say:x]]');
        await eventually(() => fake.log.answers(`of-${n}`).length === 1);
      }),
    );
    expect(new Set(fakes.map(({ port }) => port)).size).toBe(50);
    expect(new Set(fakes.map((fake) => fake.bootId())).size).toBe(50);
  }, 60_000);
});

describe('the witness', () => {
  const entry = (
    kind: RunEntry['kind'],
    runId: string,
    sessionKey: string,
    resumes: string | null = null,
  ): RunEntry => ({
    kind,
    atMs: 0,
    bootId: 'b',
    runId,
    sessionKey,
    resumes,
    ...(kind === 'run-end' ? { outcome: 'done' } : {}),
  });

  test('counts a recovery to the task whose turn it resumes (R26)', () => {
    const log = new WireLog();
    log.add(entry('run-start', 'task-7-a1', 's'));
    log.add({ kind: 'crash', atMs: 0, bootId: 'b' });
    log.add(entry('run-start', 'uuid', 's', 'task-7-a1'));
    log.add(entry('run-end', 'uuid', 's', 'task-7-a1'));
    expect(log.runsStarted('task-7')).toHaveLength(2);
    expect(log.answers('task-7')).toHaveLength(1);
    expect(log.executions('task-7-a1')).toBe(1);
    expect(log.runsStarted('task-70')).toEqual([]);
    expect(log.maxOverlap('s')).toBe(1);
    expect(log.runningNow()).toEqual([]);
  });

  test('sees two runs at once, in one session or over all (R1)', () => {
    const log = new WireLog();
    log.add(entry('run-start', 'a-a1', 's'));
    log.add(entry('run-start', 'b-a1', 's'));
    log.add(entry('run-start', 'c-a1', 'other'));
    expect(log.maxOverlap('s')).toBe(2);
    expect(log.maxOverlap('other')).toBe(1);
    expect(log.maxOverlap()).toBe(3);
    expect(log.runningNow()).toEqual(['a-a1', 'b-a1', 'c-a1']);
  });
});
