import { describe, expect, test } from '@jest/globals';
import type { AttemptFacts } from '../../../src/domain/attempt-protocol-types.ts';
import { failedIfRepeatable } from '../../../src/domain/attempt-protocol-repeatable.ts';
import { freshMemory } from '../../../src/domain/attempt-protocol-memory.ts';
import { INDETERMINATE_REASONS, type IndeterminateReason } from '../../../src/domain/attempt.ts';
import { FAILURE_CLASSES } from '../../../src/domain/failure.ts';
import { RETRY_POLICY } from '../../../src/domain/retry-policy.ts';
import { decideOn, facts, look, planned, policy, RUN } from './attempt-fixtures.ts';

const LOST: readonly IndeterminateReason[] = [
  'vanished',
  'no-recovery',
  'state-replaced',
  'gateway-gone',
];

function verdict(row: AttemptFacts, reason: IndeterminateReason): string {
  const situation = {
    facts: row,
    seen: { kind: 'unseen' },
    memory: freshMemory(row),
    policy,
    nowMs: 0,
  } as const;
  const unknown = { kind: 'indeterminate', reason, evidence: 'seen', keepLane: false } as const;
  return failedIfRepeatable(situation, unknown).kind;
}

describe('a run that its gateway has lost', () => {
  test('is a failed attempt of a task that may be done twice, so it comes to its end (R7, P27)', () => {
    const row = facts({ idempotent: true });
    expect(
      INDETERMINATE_REASONS.filter((reason) => verdict(row, reason) === 'fail').toSorted(),
    ).toEqual(LOST.toSorted());
    const replaced = look({ gateway: { stateId: 'state-2' } });
    expect(decideOn(row, replaced)).toMatchObject({
      kind: 'fail',
      failure: { class: 'interrupted', runId: RUN, aborted: false, timedOut: false },
    });
  });

  test('goes to a person when it may not be done twice, when it is to end, or when rows contradict the gateway (P22, P28)', () => {
    for (const reason of INDETERMINATE_REASONS) {
      expect(verdict(facts(), reason)).toBe('indeterminate');
      const ending = facts({ idempotent: true, cancelRequested: 'cancelled' });
      expect(verdict(ending, reason)).toBe('indeterminate');
      expect(verdict(planned({ idempotent: true }), reason)).toBe('indeterminate');
    }
  });
});

describe('the table of retries', () => {
  test('says of every class what is done about it, and counts each failed attempt (R7)', () => {
    expect(Object.keys(RETRY_POLICY).toSorted()).toEqual([...FAILURE_CLASSES].toSorted());
    for (const rule of Object.values(RETRY_POLICY)) {
      expect(rule.countsAsAttempt).toBe(true);
      expect(rule.retry).toBe(rule.delay !== 'none');
      if (!rule.retry) expect(rule.otherGateway).toBe('never');
    }
  });
});
