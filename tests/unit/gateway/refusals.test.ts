import {
  GatewayProtocolRequestError,
  GatewayProtocolRequestTimeoutError,
} from '@openclaw/gateway-client/browser';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { refusalReason, toCallError } from '../../../src/gateway/call-outcome.ts';
import { blockOf, scopeBlockOf } from '../../../src/gateway/connect-refusal.ts';
import { GatewayCallError } from '../../../src/gateway/gateway-call-error.ts';

const answered = (error: object): GatewayCallError =>
  toCallError('agent', new GatewayProtocolRequestError(error));

describe('what a failed call proves', () => {
  test.each([
    ['INVALID_REQUEST', false, 'refused'],
    ['FORBIDDEN', false, 'refused'],
    ['NOT_PAIRED', false, 'refused'],
    ['UNAVAILABLE', true, 'refused'],
    ['UNAVAILABLE', false, 'unknown'],
    ['SOMETHING_NEW', true, 'unknown'],
  ])('%s (retryable %s) is %s (P27)', (code, retryable, outcome) => {
    expect(answered({ code, retryable, message: 'x' }).outcome).toBe(outcome);
  });

  test("the answer's details are kept, for code and for people (P27)", () => {
    const details = { code: 'MISSING_SCOPE', reason: 'gateway-suspending', method: 'agent' };
    const error = answered({
      code: 'UNAVAILABLE',
      message: 'later',
      retryable: true,
      retryAfterMs: 1000,
      details,
    });
    expect(error).toMatchObject({
      detailsCode: 'MISSING_SCOPE',
      reason: 'gateway-suspending',
      retryAfterMs: 1000,
      message: 'agent: later',
    });
  });

  test('a frame that left without an answer is unknown, one that never left is refused (P27)', () => {
    const timeout = (requestSent: boolean): Error =>
      new GatewayProtocolRequestTimeoutError({ method: 'agent', timeoutMs: 5, requestSent });
    expect(toCallError('agent', timeout(true))).toMatchObject({
      code: 'TIMED_OUT',
      outcome: 'unknown',
    });
    expect(toCallError('agent', timeout(false))).toMatchObject({
      code: 'TIMED_OUT',
      outcome: 'refused',
    });
    expect(toCallError('agent', new Error('gateway closed (1006): '))).toMatchObject({
      code: 'CONNECTION_LOST',
      outcome: 'unknown',
    });
    expect(toCallError('agent', new Error('gateway not connected'))).toMatchObject({
      code: 'NOT_CONNECTED',
      outcome: 'refused',
    });
  });

  test('only an answer of the gateway can be a refusal; everything else is unknown or was never sent (P27)', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = toCallError('agent', thrown);
        expect(error).toBeInstanceOf(GatewayCallError);
        expect(error.outcome).toBe('unknown');
      }),
      { examples: [[[{ toString: 0 }]]] },
    );
  });

  test.each([
    [{ reason: 'gateway-suspending', phase: 'draining' }, 'draining'],
    [{ reason: 'gateway-suspending', phase: 'prepared' }, 'suspended'],
    [{ reason: 'gateway-restarting' }, 'draining'],
    [{ reason: 'startup-sidecars' }, 'starting'],
    [{ limit: '30 per 60s' }, 'busy'],
  ])('%j means wait: %s (P22.8)', (details, reason) => {
    expect(refusalReason(answered({ code: 'UNAVAILABLE', retryable: true, details }))).toBe(reason);
    expect(refusalReason(answered({ code: 'UNAVAILABLE', retryable: false, details }))).toBeNull();
  });
});

describe('a refused connect', () => {
  const refusal = (details: object, code = 'INVALID_REQUEST'): ReturnType<typeof blockOf> =>
    blockOf({ code, message: 'no', details });

  test.each([
    ['AUTH_TOKEN_MISMATCH', 'auth', 'auth', /gateway\.auth\.token/],
    ['AUTH_TOKEN_MISSING', 'auth', 'auth', /gateway\.auth\.token/],
    ['PROTOCOL_MISMATCH', 'protocol', 'protocol', /2026\.9/],
    ['DEVICE_IDENTITY_REQUIRED', 'pairing', 'pairing', /own loopback/],
    ['CONTROL_UI_ORIGIN_NOT_ALLOWED', 'auth', 'auth', /Origin header/],
  ])('%s waits for a person and says what to do (R26)', (code, reason, failure, hint) => {
    expect(refusal({ code })).toMatchObject({
      kind: 'blocked',
      reason,
      failure,
      hint: expect.stringMatching(hint),
    });
  });

  test('a device that waits for its approval is named in the command that approves it (R26)', () => {
    const block = refusal(
      { code: 'PAIRING_REQUIRED', requestId: 'req-7', requestedScopes: ['operator.write'] },
      'NOT_PAIRED',
    );
    expect(block?.hint).toContain('openclaw devices approve req-7');
    expect(block?.hint).toContain('operator.write');
  });

  test.each([
    [{ code: 'AUTH_RATE_LIMITED' }],
    [{ reason: 'startup-sidecars' }],
    [null],
    ['nonsense'],
  ])('%j is tried again (R26)', (details) => {
    expect(blockOf({ code: 'UNAVAILABLE', message: 'x', details })).toBeNull();
  });

  test('total over whatever a gateway answers (R26)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.anything(), (code, message, details) => {
        const block = blockOf({ code, message, details });
        expect(block === null || block.hint.length > 0).toBe(true);
      }),
    );
  });
});

describe('scopes (R26)', () => {
  const all = ['operator.read', 'operator.write', 'operator.admin'];

  test.each([
    [all, all, null],
    [all, ['operator.admin'], null],
    [['operator.read'], ['operator.write'], null],
    [all, [], /operator\.read, operator\.write, operator\.admin/],
    [all, ['operator.write'], /operator\.admin/],
    [['operator.write'], ['operator.read'], /operator\.write/],
  ])('asked %j, granted %j (R26)', (asked, granted, missing) => {
    const block = scopeBlockOf(asked, granted);
    expect(block === null ? null : block.hint).toEqual(
      missing === null ? null : expect.stringMatching(missing),
    );
  });
});
