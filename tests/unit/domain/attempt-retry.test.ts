import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideRetry } from '../../../src/domain/retry.ts';
import { failure } from './attempt-fixtures.ts';

const failures = fc.record({
  class: fc.constantFrom('transient', 'rate-limited', 'unknown', 'interrupted'),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 600_000 })),
});
const chance = fc.double({ min: 0, max: 0.999, noNaN: true });

describe('retries', () => {
  test('exactly maxAttempts attempts are made of a task that keeps failing (R7)', () => {
    fc.assert(
      fc.property(
        failures,
        fc.integer({ min: 1, max: 100 }),
        chance,
        (kind, maxAttempts, random01) => {
          let attemptsUsed = 1;
          while (
            decideRetry({ failure: failure(kind), attemptsUsed, maxAttempts, random01 }).kind ===
            'back-off'
          ) {
            attemptsUsed += 1;
          }
          expect(attemptsUsed).toBe(maxAttempts);
        },
      ),
    );
  });

  test('a permanent failure is never retried (R7)', () => {
    const permanent = failure({ class: 'permanent' });
    expect(
      decideRetry({ failure: permanent, attemptsUsed: 1, maxAttempts: 9, random01: 0 }),
    ).toEqual({
      kind: 'dead',
      reason: 'permanent',
    });
  });

  test('the pause doubles from 2 s to at most 60 s, spread by 20 % (R7)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), chance, (attemptsUsed, random01) => {
        const verdict = decideRetry({
          failure: failure(),
          attemptsUsed,
          maxAttempts: 100,
          random01,
        });
        const middleMs = Math.min(2_000 * 2 ** (attemptsUsed - 1), 60_000);
        expect(verdict).toMatchObject({ kind: 'back-off' });
        const { delayMs } = verdict as { delayMs: number };
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(middleMs * 0.8));
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(middleMs * 1.2));
      }),
    );
  });

  test('a rate limit is waited out: never shorter than its hint (R7)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_600_000 }), chance, (retryAfterMs, random01) => {
        const limited = failure({ class: 'rate-limited', retryAfterMs });
        const verdict = decideRetry({
          failure: limited,
          attemptsUsed: 1,
          maxAttempts: 3,
          random01,
        });
        expect((verdict as { delayMs: number }).delayMs).toBeGreaterThanOrEqual(retryAfterMs);
      }),
    );
  });

  test('a hint of another kind of failure is not a promise, and does not delay the retry (R7)', () => {
    const hinted = failure({ class: 'transient', retryAfterMs: 600_000 });
    expect(
      decideRetry({ failure: hinted, attemptsUsed: 1, maxAttempts: 3, random01: 0.5 }),
    ).toEqual({ kind: 'back-off', delayMs: 2_000 });
  });
});
