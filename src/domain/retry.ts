import type { RunFailure } from './failure.ts';
import { RETRY_POLICY } from './retry-policy.ts';

/** First pause after a failed attempt; doubles with each further one. */
export const BASE_MS = 2_000;
/** Longest pause of Dash's own making; a gateway's hint may be longer. */
export const CAP_MS = 60_000;
/** Each pause is spread by this share in both directions, so that failures of a moment do not return together. */
export const JITTER = 0.2;

export interface RetryQuestion {
  readonly failure: RunFailure;
  /** Attempts that were not released, the failed one included. */
  readonly attemptsUsed: number;
  readonly maxAttempts: number;
  /** Chance as an argument: 0 ≤ x < 1. */
  readonly random01: number;
}

export type RetryVerdict =
  | { readonly kind: 'back-off'; readonly delayMs: number }
  /** A dead letter: all attempts are used up, or another one cannot help. */
  | { readonly kind: 'dead'; readonly reason: 'attempts' | 'permanent' };

/**
 * Whether a failed attempt is followed by another, and when, by `RETRY_POLICY` (R7): exactly `maxAttempts` attempts unless one fails
 * for a reason that trying again cannot mend; pauses of 2 s × 2ⁿ, at most 60 s, ± 20 %. A rate limit that names a
 * time is waited out: never shorter than the hint, spread above it.
 */
export function decideRetry(question: RetryQuestion): RetryVerdict {
  const { failure, attemptsUsed, maxAttempts, random01 } = question;
  const rule = RETRY_POLICY[failure.class];
  if (!rule.retry) return { kind: 'dead', reason: 'permanent' };
  if (attemptsUsed >= maxAttempts) return { kind: 'dead', reason: 'attempts' };
  const baseMs = Math.min(BASE_MS * 2 ** Math.max(attemptsUsed - 1, 0), CAP_MS);
  const backOffMs = baseMs * (1 - JITTER + 2 * JITTER * random01);
  const hintMs =
    rule.delay === 'back-off or hint' && failure.retryAfterMs !== null
      ? failure.retryAfterMs * (1 + JITTER * random01)
      : 0;
  return { kind: 'back-off', delayMs: Math.round(Math.max(backOffMs, hintMs)) };
}
