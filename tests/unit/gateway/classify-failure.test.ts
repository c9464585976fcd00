import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { FailureClass } from '../../../src/domain/failure.ts';
import { classifyFailure } from '../../../src/gateway/classify-failure.ts';

const table: readonly [FailureClass, number | null, string][] = [
  ['rate-limited', null, 'LLM request failed (rate limited, HTTP 429). This is usually temporary'],
  ['rate-limited', 1000, '⚠️ mock error 429; Retry-After: 1 seconds'],
  [
    'rate-limited',
    60_000,
    'key is temporarily disabled after a provider auth/billing failure. Retry after about 1 minute',
  ],
  ['rate-limited', 250, 'Too many requests, retry after 250 ms'],
  ['rate-limited', null, 'the provider is overloaded'],
  [
    'permanent',
    null,
    'request failed (authentication failed, HTTP 401). Re-authenticate the provider and try again.',
  ],
  ['permanent', null, 'LLM request failed: provider rejected the request schema or tool payload.'],
  ['permanent', null, 'LLM request failed (request format rejected, HTTP 400).'],
  ['permanent', null, 'request failed (HTTP 403)'],
  ['permanent', null, 'Unknown model: nope/nope-1. Run `openclaw models list`'],
  ['permanent', null, 'invalid agent params: unknown agent id "nobody"'],
  ['permanent', null, 'The configured model is unavailable from the provider'],
  ['permanent', null, 'insufficient credit: top up your balance'],
  ['permanent', null, 'context length exceeded'],
  [
    'transient',
    null,
    'request failed (provider internal error, HTTP 503). This is usually temporary',
  ],
  ['transient', null, 'LLM request failed: network connection error.'],
  ['transient', null, 'Request timed out before a response was generated.'],
  ['transient', null, 'socket hang up'],
  ['transient', 5000, 'HTTP 502; Retry-After: 5'],
  ['unknown', null, '⚠️ Agent run failed (model: mock/mock-1).'],
  ['unknown', null, 'The agent run failed before producing a reply.'],
  ['unknown', null, 'the run ended without a reason'],
];

test.each(table)('%s, retry after %s: %s (R7)', (failureClass, retryAfterMs, text) => {
  expect(classifyFailure([text])).toEqual({ class: failureClass, retryAfterMs });
});

test('every source of words counts: the hint may stand in another than the reason (R7)', () => {
  const texts = [null, 'Retry-After: 2 seconds', '⚠️ LLM request failed (rate limited, HTTP 429).'];
  expect(classifyFailure(texts)).toEqual({ class: 'rate-limited', retryAfterMs: 2000 });
});

test('no words at all are an unknown failure (R7)', () => {
  expect(classifyFailure([])).toEqual({ class: 'unknown', retryAfterMs: null });
  expect(classifyFailure([null])).toEqual({ class: 'unknown', retryAfterMs: null });
});

test('a hint is never negative and never longer than an hour, whatever the words (R7)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string()),
      fc.nat(),
      fc.constantFrom('', ' ms', ' s', ' minutes'),
      (texts, n, unit) => {
        const { retryAfterMs } = classifyFailure([...texts, `HTTP 429 retry-after: ${n}${unit}`]);
        expect(retryAfterMs === null || (retryAfterMs >= 0 && retryAfterMs <= 3_600_000)).toBe(
          true,
        );
      },
    ),
  );
});
