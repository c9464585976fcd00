import { describe, expect, it } from '@jest/globals';
import { rememberCounted } from '../../../src/domain/attempt-protocol-memory.ts';
import { spendingOf, usesUp } from '../../../src/domain/budget.ts';
import type { Usage } from '../../../src/domain/failure.ts';
import {
  answer,
  decideOn,
  facts,
  look,
  Owner,
  own,
  planned,
  policy,
  recovery,
  RUN,
} from './attempt-fixtures.ts';

const usage = (totalTokens: number, costUsd: number | null = null): Usage => ({
  inputTokens: totalTokens,
  outputTokens: 0,
  totalTokens,
  costUsd,
});
const running = (used: Usage | null) =>
  look({ own: [own({ userRow: true, executing: true, usage: used })] });
const tokens = (limit: number | null, gone: string | null = null) => ({
  budget: { usd: null, tokens: limit, gone },
});

describe('an attempt that executes and that something limits', () => {
  it('tells the rows what it has spent, then goes on (P15)', () => {
    const owner = new Owner(facts(tokens(100)));
    const runs = [{ runId: RUN, totalTokens: 40, costUsd: 0 }];
    expect(owner.sees(running(usage(40)))).toEqual({ kind: 'count-usage', runs });
    owner.memory = rememberCounted(owner.memory, { usd: 0, tokens: 40 });
    expect(owner.sees(running(usage(40)))).toEqual({
      kind: 'follow',
      runId: RUN,
      forMs: policy.budgetPollMs,
    });
  });

  it.each([
    ['its own tokens are spent', tokens(100), usage(100)],
    ['its own dollars are spent', { budget: { usd: 0.5, tokens: 1e6, gone: null } }, usage(3, 0.6)],
    ['what surrounds it is used up', tokens(100, 'fleet'), usage(1)],
  ])('asks for its end when %s (P15, P28)', (_, budget, used) => {
    expect(decideOn(facts(budget), running(used))).toEqual({
      kind: 'request-end',
      reason: 'budget',
    });
  });

  it('reckons with every run of the attempt, those of the recovery too (P15)', () => {
    const seen = look({
      own: [own({ userRow: true, endedByRestart: true, usage: usage(60) })],
      recoveries: [recovery({ executing: true, usage: usage(60) })],
    });
    const row = facts({ ...tokens(100), recoveryRunIds: ['rec-1'] });
    expect(decideOn(row, seen)).toEqual({ kind: 'request-end', reason: 'budget' });
  });

  it('keeps an answer that it has, whatever it cost (P15, P22)', () => {
    const seen = look({ own: [own({ userRow: true, answer: answer(), usage: usage(900) })] });
    expect(decideOn(facts(tokens(100, 'fleet')), seen).kind).toBe('collect');
  });
});

it('an attempt that nothing limits is never looked at for its spending (P15)', () => {
  const followed = decideOn(facts(), running(usage(1_000_000)));
  expect(followed).toMatchObject({ kind: 'follow', runId: RUN });
  expect(followed.kind === 'follow' && followed.forMs > policy.budgetPollMs).toBe(true);
});

it('an attempt that was not sent goes back to the queue when what surrounds it is used up (P15)', () => {
  expect(decideOn(planned(tokens(100, 'fleet')), { kind: 'unseen' })).toMatchObject({
    kind: 'release',
    proof: 'planned',
  });
});

it.each([
  [Number.NaN, 0],
  [-5, 0],
  [12.6, 13],
  [Infinity, 0],
  [1e300, 1e12],
])('a gateway that counts %d tokens is taken to mean %d (G11)', (shown, taken) => {
  expect(spendingOf('r', usage(shown, -1))).toEqual({ runId: 'r', totalTokens: taken, costUsd: 0 });
});

it('a budget ends with its last token, not behind it (P15)', () => {
  const budget = { usd: null, tokens: 10 };
  expect([9, 10, 11].map((spent) => usesUp(budget, { usd: 0, tokens: spent }))).toEqual([
    false,
    true,
    true,
  ]);
});
