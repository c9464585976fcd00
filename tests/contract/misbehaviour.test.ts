import { afterEach, describe, expect, test } from '@jest/globals';

import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { Misbehaviour } from '../../src/gateway/fake-gateway/misbehaviour.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, FakeFleet } from '../support/fake-gateway.ts';
import { send, sessionOf } from '../support/gateway-client.ts';

const fleet = new FakeFleet();

afterEach(() => fleet.close());

describe('a gateway that does not answer as it should (G11)', () => {
  const cases: readonly [Misbehaviour, string, number][] = [
    ['drop-before', 'CONNECTION_LOST', 0],
    ['drop-after', 'CONNECTION_LOST', 1],
    ['half-frame', 'CONNECTION_LOST', 1],
    ['ignore', 'TIMED_OUT', 0],
    ['silence', 'TIMED_OUT', 1],
    ['garbage', 'TIMED_OUT', 1],
    ['null-error', 'TIMED_OUT', 1],
    ['null', 'BAD_ANSWER', 1],
  ];
  test.each(cases)(
    '%s ends a send as unknown, and the next look tells what happened (G11)',
    async (misbehaviour, code, runs) => {
      const fake = await fleet.gateway();
      const connection = await fleet.connected(fake, { callTimeoutMs: 300 });
      fake.setMisbehaviour(({ method }) => (method === 'agent' ? misbehaviour : undefined));
      const error = await failureOf(send(connection, 'lost', '[[say:done]]'));
      expect(error).toMatchObject({ code, outcome: 'unknown', method: 'agent' });
      fake.setMisbehaviour(null);
      await connection.whenOpen({ timeoutMs: 5000 });
      const look = await connection.look({ sessionKey: sessionOf('lost'), runIds: ['lost-a1'] });
      expect(look.kind === 'seen' ? look.own[0]?.answer?.text : null).toBe(
        runs === 1 ? 'done' : undefined,
      );
      expect(fake.log.executions('lost-a1')).toBe(runs);
    },
  );

  test('an answer that comes twice is one answer (G11)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    fake.setMisbehaviour(() => 'double');
    expect(await send(connection, 'double', '[[say:once]]')).toEqual({ kind: 'accepted' });
    const look = await connection.look({ sessionKey: sessionOf('double'), runIds: ['double-a1'] });
    expect(look).toMatchObject({ kind: 'seen', own: [{ answer: { text: 'once' } }] });
  });

  const reads: readonly [string, string, (connection: GatewayConnection) => Promise<unknown>][] = [
    ['tasks.list', 'look', (c) => c.look({ sessionKey: sessionOf('x'), runIds: ['x-a1'] })],
    ['chat.history', 'look', (c) => c.look({ sessionKey: sessionOf('x'), runIds: ['x-a1'] })],
    ['sessions.describe', 'sentinel', (c) => c.readStateSentinel()],
    ['diagnostics.lanes', 'lanes', (c) => c.lanes()],
    ['health', 'health', (c) => c.health()],
    ['system.info', 'system info', (c) => c.systemInfo()],
    ['sessions.list', 'executing runs', (c) => c.listExecuting()],
    ['gateway.suspend.status', 'suspension', (c) => c.suspendStatus({ suspensionId: 's' })],
  ];
  test.each(reads)(
    '%s with a null answer is a bad answer of the %s, never a crash (G11)',
    async (method, _words, call) => {
      const fake = await fleet.gateway();
      const connection = await fleet.connected(fake);
      fake.setMisbehaviour((request) => (request.method === method ? 'null' : undefined));
      expect(await failureOf(call(connection))).toMatchObject({
        code: 'BAD_ANSWER',
        outcome: 'unknown',
        method,
      });
      expect(connection.state().kind).toBe('open');
    },
  );

  test('a crash of the gateway fails every call in flight as unknown (G11)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    fake.setMisbehaviour(() => 'ignore');
    const calls = [connection.lanes(), connection.health(), send(connection, 'gone', 'x')];
    await eventually(() => fake.log.requests('agent').length === 1);
    const errors = Promise.all(calls.map((call) => failureOf(call)));
    await fake.crash();
    for (const error of await errors) {
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', outcome: 'unknown' });
    }
  });

  test('parameters that the protocol forbids are not sent (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const result = await send(connection, 'wrong', 'x', { timeoutSeconds: 1.5 });
    expect(result).toMatchObject({ kind: 'refused', reason: 'invalid', retryable: false });
    expect(fake.log.requests('agent')).toEqual([]);
  });

  test('a message larger than a gateway takes is refused here, the socket lives (R26)', async () => {
    const fake = await fleet.gateway({ wireLogDetail: 'runs' });
    const connection = await fleet.connected(fake);
    const result = await send(connection, 'large', 'x'.repeat(27_000_000));
    expect(result).toMatchObject({ kind: 'refused', reason: 'invalid' });
    expect(connection.states.map(({ kind }) => kind)).toEqual(['open']);
  });

  test("the correlation id goes out as the frame's trace (R40)", async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const correlationId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await send(connection, 'traced', 'x', { correlationId });
    await connection.lanes();
    const [frame] = fake.log.requests('agent');
    expect(frame?.['traceparent']).toMatch(new RegExp(`^00-${correlationId}-[0-9a-f]{16}-01$`));
    expect(fake.log.requests('diagnostics.lanes')[0]).not.toHaveProperty('traceparent');
  });
});
