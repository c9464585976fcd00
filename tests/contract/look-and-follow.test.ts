import { afterEach, describe, expect, test } from '@jest/globals';

import type { GatewayConnection } from '../../src/gateway/connection.ts';
import { eventually } from '../support/eventually.ts';
import { FakeFleet } from '../support/fake-gateway.ts';
import { granted, send, sessionOf } from '../support/gateway-client.ts';

const fleet = new FakeFleet();

afterEach(() => fleet.close());

describe('looking', () => {
  test("pages back until the attempt's input is found, and no further (P22)", async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const inSession = { sessionKey: sessionOf('long') };
    for (let n = 0; n < 350; n += 1) {
      await send(connection, `filler-${n}`, '[[say:x]]', inSession);
    }
    const [oldest, newest] = ['filler-0-a1', 'filler-349-a1'];
    const pages = (): number => fake.log.requests('chat.history').length;
    const start = pages();
    const look = await connection.look({ ...inSession, runIds: [newest] });
    expect(look).toMatchObject({ own: [{ runId: newest, userRow: true }] });
    expect(pages() - start).toBe(1);
    const old = await connection.look({ ...inSession, runIds: [oldest] });
    expect(old).toMatchObject({ own: [{ runId: oldest, userRow: true, answer: { text: 'x' } }] });
    expect(pages() - start).toBe(5);
  });

  test('asks the ledger before the history, so that what is booked is also shown (P22)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await connection.look({ sessionKey: sessionOf('order'), runIds: ['order-a1'] });
    const methods = fake.log.entries().flatMap((entry) => {
      if (entry.kind !== 'frame' || entry.direction !== 'in') return [];
      return [String((entry.frame as Record<string, unknown>)['method'])];
    });
    expect(methods.indexOf('tasks.list')).toBeGreaterThan(-1);
    expect(methods.indexOf('tasks.list')).toBeLessThan(methods.indexOf('chat.history'));
  });

  test('reads a row by itself only when it is cut and carries an answer of the attempt (P22)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const sessionKey = sessionOf('cut');
    const long = `[[say:${'x'.repeat(20_000)}]]`;
    await send(connection, 'others', long, { sessionKey });
    await send(connection, 'short', '[[say:short]]', { sessionKey });
    await connection.look({ sessionKey, runIds: ['short-a1'] });
    expect(fake.log.requests('chat.message.get')).toEqual([]);
    const look = await connection.look({ sessionKey, runIds: ['others-a1'] });
    expect(look.kind === 'seen' ? look.own[0]?.answer?.text.length : 0).toBe(20_000);
    expect(fake.log.requests('chat.message.get')).toHaveLength(1);
  });

  test('an answer that the gateway cannot show whole is taken as far as it shows it (P22.1)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'endless', `[[say:${'x'.repeat(2_100_000)}]]`);
    const look = await connection.look({
      sessionKey: sessionOf('endless'),
      runIds: ['endless-a1'],
    });
    const text = look.kind === 'seen' ? (look.own[0]?.answer?.text ?? '') : '';
    expect(text.length).toBeGreaterThan(2_000_000);
    expect(text.endsWith('...(truncated)...')).toBe(true);
  });

  test('a recovery of an earlier task of the session is foreign, not ours (P22.7)', async () => {
    const fake = await fleet.gateway({ recoveryDelayMs: 10 });
    const connection = await fleet.connected(fake);
    const sessionKey = sessionOf('shared');
    await send(connection, 'earlier', '[[sleep:400]] [[say:earlier]]', { sessionKey });
    await fake.crash();
    await fake.start();
    await eventually(
      () => connection.hello()?.bootId === fake.bootId() && connection.state().kind === 'open',
    );
    const look = await eventually(async () => {
      const seen = await connection.look({ sessionKey, runIds: ['later-a1'] });
      return seen.kind === 'seen' && seen.foreignRunIds.length > 0 ? seen : undefined;
    });
    expect(look).toMatchObject({ recoveries: [], own: [{ userRow: false, executing: false }] });
  });
});

describe('following', () => {
  const follow = async (
    connection: GatewayConnection,
    taskId: string,
    options: { signal?: AbortSignal; sliceMs?: number } = {},
  ): Promise<string> => {
    const followed = await connection.followRun({
      sessionKey: sessionOf(taskId),
      runId: `${taskId}-a1`,
      signal: options.signal ?? AbortSignal.timeout(20_000),
      sliceMs: options.sliceMs ?? 5000,
    });
    return followed.kind;
  };

  test('an end that came before the follower is not waited for (P21)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'early', '[[say:x]]');
    await eventually(() => fake.log.answers('early').length === 1);
    expect(await follow(connection, 'early')).toBe('ended');
    expect(fake.log.requests('agent.wait')).toEqual([]);
  });

  test('without events the answer of agent.wait ends it (P21)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const other = await fleet.connected(fake);
    await send(other, 'unseen', '[[say:x]]');
    const late = await fleet.connected(fake);
    expect(await follow(late, 'unseen')).toBe('ended');
    expect(connection.state().kind).toBe('open');
  });

  test("the owner's signal detaches at once and leaves the run alone (P26)", async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'leave', '[[sleep:300]] [[say:x]]');
    const leaving = new AbortController();
    const following = follow(connection, 'leave', { signal: leaving.signal });
    leaving.abort();
    expect(await following).toBe('detached');
    await eventually(() => fake.log.answers('leave').length === 1);
    expect(fake.log.requests('sessions.abort')).toEqual([]);
  });

  test('waits in slices, so that no question is longer than five seconds (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'sliced', '[[sleep:500]] [[say:x]]');
    expect(await follow(connection, 'sliced', { sliceMs: 100 })).toBe('ended');
    expect(fake.log.requests('agent.wait').length).toBeGreaterThanOrEqual(2);
    await send(connection, 'capped', '[[sleep:50]] [[say:x]]');
    await follow(connection, 'capped', { sliceMs: 60_000 });
    const asked = fake.log
      .requests('agent.wait')
      .map((frame) => (frame['params'] as { timeoutMs: number }).timeoutMs);
    expect(Math.max(...asked)).toBeLessThanOrEqual(5000);
  });

  test('the same end reported again and again comes slower each time (P21)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'lagging', '[[say:x]]');
    await follow(connection, 'lagging');
    const startedAt = performance.now();
    for (let n = 0; n < 3; n += 1) expect(await follow(connection, 'lagging')).toBe('ended');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50 + 100 + 200 - 10);
  });

  test('a gateway that answers nonsense to agent.wait is not asked in a busy loop (G11)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    fake.setMisbehaviour(({ method }) => (method === 'agent.wait' ? 'null' : undefined));
    await send(connection, 'nonsense', '[[sleep:600]] [[say:x]]');
    expect(await follow(connection, 'nonsense', { sliceMs: 200 })).toBe('ended');
    expect(fake.log.requests('agent.wait').length).toBeLessThanOrEqual(5);
  });

  test('a drain does not end the following, the end of the run does (P38)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await send(connection, 'draining', '[[sleep:400]] [[say:x]]');
    const following = follow(connection, 'draining', { sliceMs: 100 });
    await connection.suspendPrepare({ requestId: 'd', drain: true, permit: granted });
    expect(await following).toBe('ended');
  });
});

test('restart is asked of the gateway, which waits for its runs (P38)', async () => {
  const fake = await fleet.gateway();
  const connection = await fleet.connected(fake);
  const boot = fake.bootId();
  await send(connection, 'before-restart', '[[sleep:200]] [[say:x]]');
  expect(await connection.requestRestart({ reason: 'test', permit: granted })).toEqual({
    kind: 'deferred',
  });
  await eventually(() => fake.bootId() !== null && fake.bootId() !== boot);
  expect(fake.log.answers('before-restart')).toHaveLength(1);
});
