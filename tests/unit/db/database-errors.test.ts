import { describe, expect, it } from '@jest/globals';
import { isDatabaseUnavailable, isRetryable } from '../../../src/db/database-errors.ts';

function withCode(code: string): Error {
  return Object.assign(new Error('x'), { code });
}

describe('errors of the database', () => {
  it.each(['25P04', '40001', '40P01'])('%s was rolled back and may be repeated (P4)', (code) => {
    expect(isRetryable(withCode(code))).toBe(true);
  });

  it.each(['23505', '23514', '42601', 'ECONNRESET', '57P01'])(
    '%s is not repeated blindly',
    (code) => {
      expect(isRetryable(withCode(code))).toBe(false);
    },
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', '57P01', '57P03', '53300', '08006'])(
    '%s means that PostgreSQL cannot be reached now (R32)',
    (code) => {
      expect(isDatabaseUnavailable(withCode(code))).toBe(true);
    },
  );

  it('sees through the several addresses that a host name has (R32)', () => {
    const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]);
    expect(isDatabaseUnavailable(error)).toBe(true);
  });

  it('knows the errors that the driver gives without a code (R32)', () => {
    for (const message of [
      'Connection terminated unexpectedly',
      'Query read timeout',
      'timeout exceeded when trying to connect',
    ]) {
      expect(isDatabaseUnavailable(new Error(message))).toBe(true);
    }
  });

  it('calls nothing else unavailable', () => {
    for (const error of [withCode('23505'), withCode('42P01'), new Error('no row'), null, 'text']) {
      expect(isDatabaseUnavailable(error)).toBe(false);
    }
  });
});
