import { expect, test } from '@jest/globals';

import type { RunEvent } from '../../src/gateway/connection.ts';
import { eventually } from '../support/eventually.ts';
import { connectTo, send, sessionOf } from '../support/gateway-client.ts';
import { RawGatewayClient, type Frame } from '../support/raw-gateway-client.ts';
import { follow, look, ownRun, type Context } from './contract-context.ts';

export function describeTurns(context: Context): void {
  test('a run is accepted, followed and collected with its usage (P22.1)', async () => {
    const { connection, gateway } = context();
    const events: RunEvent[] = [];
    const unsubscribe = connection.onRunEvent('turn-a1', (event) => events.push(event));
    expect(await send(connection, 'turn', 'turn-marker [[say:forty two]]')).toEqual({
      kind: 'accepted',
    });
    expect(await follow(connection, 'turn')).toBe('ended');
    const own = await eventually(async () => {
      const run = await ownRun(connection, 'turn');
      return run.answer === null ? undefined : run;
    });
    expect(own).toMatchObject({ userRow: true, executing: false, failure: null });
    expect(own.answer).toMatchObject({ runId: 'turn-a1', text: 'forty two' });
    expect(own.answer?.usage?.totalTokens).toBeGreaterThan(0);
    expect(gateway.modelCalls('turn-marker')).toBe(1);
    unsubscribe();
    const kinds = events.map(({ kind }) => kind);
    expect(kinds[0]).toBe('started');
    expect(kinds).toContain('text');
    expect(events.at(-1)).toMatchObject({ kind: 'ended', failed: false });
  });

  test('agent answers twice on one id: accepted, then the end (R26)', async () => {
    const { gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const params = {
      sessionKey: sessionOf('twice'),
      message: '[[say:two]]',
      idempotencyKey: 'twice-a1',
      deliver: false,
    };
    const id = client.send('agent', params);
    const isAnswer = (status: string) => (frame: Frame) =>
      frame.id === id && frame.payload?.['status'] === status;
    await client.until(isAnswer('accepted'));
    const end = await client.until(isAnswer('ok'));
    expect(end.payload).toMatchObject({ result: { payloads: [{ text: 'two' }] } });
    await client.close();
  });

  test('in one boot a run id runs once, however often and from wherever it is sent (R9)', async () => {
    const { connection, gateway } = context();
    const other = connectTo(gateway);
    await other.whenOpen({ timeoutMs: 10_000 });
    const message = 'once-marker [[sleep:600]] [[say:once]]';
    const results = await Promise.all(
      [connection, other, connection].map((by) => send(by, 'once', message)),
    );
    expect(results.map(({ kind }) => kind).sort()).toEqual(['accepted', 'in-flight', 'in-flight']);
    await eventually(async () => (await ownRun(connection, 'once')).answer, { timeoutMs: 20_000 });
    expect(await send(other, 'once', message)).toEqual({ kind: 'in-flight' });
    expect(gateway.modelCalls('once-marker')).toBe(1);
    await other.close();
  });

  test('agent.wait cannot tell a running run from one it never heard of (P22)', async () => {
    const { connection, gateway } = context();
    await send(connection, 'ambiguous', '[[sleep:1500]] [[say:x]]');
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    for (const runId of ['ambiguous-a1', 'never-heard-of']) {
      const answer = await client.call('agent.wait', { runId, timeoutMs: 100 });
      expect(answer.payload).toEqual({ runId, status: 'timeout' });
    }
    await client.close();
    await eventually(async () => (await ownRun(connection, 'ambiguous')).answer, {
      timeoutMs: 20_000,
    });
  });

  test('a client that goes away does not end its run (P26)', async () => {
    const { connection, gateway } = context();
    const leaving = connectTo(gateway);
    await leaving.whenOpen({ timeoutMs: 10_000 });
    await send(leaving, 'left', 'left-marker [[sleep:800]] [[say:stayed]]');
    await leaving.close();
    const own = await eventually(async () => (await ownRun(connection, 'left')).answer, {
      timeoutMs: 20_000,
    });
    expect(own.text).toBe('stayed');
    expect(gateway.modelCalls('left-marker')).toBe(1);
  });

  test('one session runs one at a time, in the order of sending (R1)', async () => {
    const { connection } = context();
    const inSession = async (n: number, message: string): Promise<unknown> =>
      send(connection, 'fifo', message, { runId: `fifo-a${n}` });
    await inSession(1, '[[sleep:1500]] [[say:first]]');
    await inSession(2, '[[say:second]]');
    const both = await look(connection, 'fifo', 'fifo-a2');
    expect(both.own[0]).toMatchObject({ executing: true, answer: null });
    expect(both.foreignRunIds).toEqual(['fifo-a1']);
    const done = await eventually(
      async () => {
        const seen = await look(connection, 'fifo', 'fifo-a1', 'fifo-a2');
        return seen.own.every(({ answer }) => answer !== null) ? seen : undefined;
      },
      { timeoutMs: 20_000 },
    );
    expect(done.own.map(({ answer }) => answer?.text)).toEqual(['first', 'second']);
  });

  test('session keys are folded to lower case (R26)', async () => {
    const { connection, gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const answer = await client.call('agent', {
      sessionKey: sessionOf('FOLDED'),
      message: '[[say:low]]',
      idempotencyKey: 'folded-a1',
      deliver: false,
    });
    expect(answer.payload?.['sessionKey']).toBe(sessionOf('folded'));
    await client.close();
    await eventually(async () => (await ownRun(connection, 'folded')).answer, {
      timeoutMs: 20_000,
    });
  });
}
