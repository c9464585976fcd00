import { expect, test } from '@jest/globals';
import { notOpenError } from '../../../src/gateway/not-open-error.ts';

test('a blocked connection says what a person must do, and that asking again is of no use (R26)', () => {
  const state = {
    kind: 'blocked',
    reason: 'auth',
    failure: 'auth',
    hint: 'check the token',
  } as const;
  expect(notOpenError(state, 50)).toMatchObject({
    code: 'BLOCKED',
    message: expect.stringContaining('check the token'),
    outcome: 'refused',
    retryable: false,
  });
});

test.each([
  [{ kind: 'reconnecting', attempts: 3, lastError: 'ECONNREFUSED' }, /within 50 ms: ECONNREFUSED/],
  [{ kind: 'connecting' }, /is connecting/],
  [{ kind: 'closed' }, /is closed/],
] as const)(
  'nothing was sent over a connection that is %j, and it may be asked again (R26)',
  (state, words) => {
    expect(notOpenError(state, 50)).toMatchObject({
      code: 'NOT_CONNECTED',
      message: expect.stringMatching(words),
      outcome: 'refused',
      retryable: true,
    });
  },
);
