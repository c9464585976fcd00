import { expect, test } from '@jest/globals';

import { probeHttp, probePage } from '../../src/dashboard/probe-http.ts';
import { probeSocket } from '../../src/dashboard/probe-socket.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { connectTo, send, sessionOf } from '../support/gateway-client.ts';
import { RawGatewayClient } from '../support/raw-gateway-client.ts';
import type { Context } from './contract-context.ts';

const clock = systemClock();

export function describeHandshake(context: Context): void {
  const connects: readonly [string, object, unknown][] = [
    [
      'the trusted pair gateway-client/backend gets all scopes',
      {},
      ['operator.read', 'operator.write', 'operator.admin'],
    ],
    ['another pair of client and mode gets none', { client: { id: 'cli', mode: 'backend' } }, []],
    ['only what is asked for is granted', { scopes: ['operator.read'] }, ['operator.read']],
    [
      'a range of protocols that holds 4 is fine',
      { protocol: [3, 9] },
      ['operator.read', 'operator.write', 'operator.admin'],
    ],
  ];
  test.each(connects)('%s (R26)', async (_words, change, scopes) => {
    const { gateway } = context();
    const client = await RawGatewayClient.open(gateway.endpoint);
    const answer = await client.hello({ token: gateway.token, ...change });
    expect(answer.payload).toMatchObject({ type: 'hello-ok', protocol: 4, auth: { scopes } });
    await client.close();
  });

  test('a client that sends an Origin header gets no scopes (R26)', async () => {
    const { gateway } = context();
    const origin = gateway.endpoint.replace('ws', 'http');
    const client = await RawGatewayClient.open(gateway.endpoint, { origin });
    const answer = await client.hello({ token: gateway.token });
    expect(answer.payload).toMatchObject({ auth: { scopes: [] } });
    await client.close();
  });

  test('a probe without a credential learns whether pages of an origin are let in (R60)', async () => {
    const url = new URL(context().gateway.endpoint);
    const seen = (origin: string) => probeSocket({ url, origin, timeoutMs: 10_000 });
    expect(await seen(`http://localhost:${url.port}`)).toMatchObject({
      kind: 'gateway',
      isOriginAccepted: true,
    });
    expect(await seen('https://elsewhere.example')).toEqual({
      kind: 'gateway',
      isOriginAccepted: false,
      code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED',
    });
  });

  test('a probe without a credential knows a gateway by its readiness (R60)', async () => {
    const url = new URL(context().gateway.endpoint.replace('ws', 'http'));
    expect(await probeHttp({ url, clock, timeoutMs: 10_000 })).toMatchObject({
      kind: 'gateway',
      ready: true,
      bootedAtMs: expect.any(Number),
    });
  });

  test('a gateway whose Control UI is off is ready, and serves no page (R60)', async () => {
    const url = new URL(context().gateway.endpoint.replace('ws', 'http'));
    expect(await probePage({ url, clock, timeoutMs: 10_000 })).toEqual({
      kind: 'none',
      status: 404,
    });
  });

  const refusals: readonly [string, object, number, string | undefined][] = [
    ['a wrong token', { token: 'wrong' }, 1008, 'AUTH_TOKEN_MISMATCH'],
    ['no token', { token: undefined }, 1008, 'DEVICE_IDENTITY_REQUIRED'],
    ['an older protocol', { protocol: [3, 3] }, 1002, 'PROTOCOL_MISMATCH'],
    ['a newer protocol', { protocol: [5, 6] }, 1002, 'PROTOCOL_MISMATCH'],
    ['a client id of its own', { client: { id: 'dash' } }, 1008, undefined],
  ];
  test.each(refusals)(
    '%s is refused with its own code (R26)',
    async (_words, change, code, detail) => {
      const { gateway } = context();
      const client = await RawGatewayClient.open(gateway.endpoint);
      const answer = await client.hello({ token: gateway.token, ...change });
      expect(answer.ok).toBe(false);
      expect(answer.error?.details?.['code']).toBe(detail);
      expect(await client.closed()).toBe(code);
    },
  );

  test('the first request must be connect (R26)', async () => {
    const client = await RawGatewayClient.open(context().gateway.endpoint);
    client.send('health', {});
    expect(await client.closed()).toBe(1008);
  });

  test('a frame over 64 KiB before the hello is too large (R26)', async () => {
    const client = await RawGatewayClient.open(context().gateway.endpoint);
    client.send('connect', { filler: 'x'.repeat(70_000) });
    expect(await client.closed()).toBe(1009);
  });

  test('a wrong token blocks the connection with a hint, without knocking again (R26)', async () => {
    const { gateway } = context();
    const blocked = connectTo({ endpoint: gateway.endpoint, token: 'wrong' });
    await expect(blocked.whenOpen({ timeoutMs: 20_000 })).rejects.toMatchObject({
      code: 'BLOCKED',
    });
    expect(blocked.state()).toMatchObject({ kind: 'blocked', reason: 'auth', failure: 'auth' });
    await blocked.close();
  });
}

export function describeStrictness(context: Context): void {
  test('an unknown property is refused, nothing runs (R26)', async () => {
    const { gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const params = {
      sessionKey: sessionOf('strict'),
      message: 'strict-marker',
      idempotencyKey: 'strict-a1',
      foo: 1,
    };
    const answer = await client.call('agent', params);
    expect(answer.error).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(answer.error?.message).toContain("unexpected property 'foo'");
    expect(gateway.modelCalls('strict-marker')).toBe(0);
    await client.close();
  });

  test('an unknown method is an invalid request (R26)', async () => {
    const { gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const answer = await client.call('foo.bar', {});
    expect(answer.error).toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'unknown method: foo.bar',
    });
    await client.close();
  });

  test('a reader may not write, and is told which scope is missing (R26)', async () => {
    const { gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token, [
      'operator.read',
    ]);
    const answer = await client.call('agent', { message: 'x', idempotencyKey: 'scope-a1' });
    expect(answer.error).toMatchObject({
      code: 'FORBIDDEN',
      details: { code: 'MISSING_SCOPE', missingScope: 'operator.write' },
    });
    await client.close();
  });

  test('an unknown agent is refused before anything starts (R7)', async () => {
    const result = await send(context().connection, 'no-agent', 'x', { agentId: 'nobody' });
    expect(result).toMatchObject({ kind: 'refused', reason: 'invalid', retryable: false });
  });
}
