import { describe, expect, test } from '@jest/globals';
import { decideAbort } from '../../../src/domain/attempt-protocol-abort.ts';
import { freshMemory, rememberAbort } from '../../../src/domain/attempt-protocol-memory.ts';
import type { Observation } from '../../../src/domain/attempt-protocol-types.ts';
import {
  answer,
  burnt,
  crashed,
  decideOn,
  facts,
  failure,
  look,
  own,
  Owner,
  planned,
  policy,
  recovery,
  RUN,
} from './attempt-fixtures.ts';

const cancelled = facts({ cancelRequested: 'cancelled' });
const running = look({ own: [own({ userRow: true, executing: true })] });
const away: Observation = { kind: 'unreachable', why: 'ECONNREFUSED' };

describe('a request to end', () => {
  test('what was never sent is released without asking the gateway, and never sent (P28, R13)', () => {
    const row = planned({ cancelRequested: 'cancelled' });
    for (const seen of [{ kind: 'unseen' }, away, look()] as const) {
      expect(decideOn(row, seen)).toMatchObject({ kind: 'release', proof: 'planned' });
    }
  });

  test('what executes is aborted, own run and recovery alike, and looked at again (P28)', () => {
    expect(decideOn(cancelled, running)).toEqual({ kind: 'abort', runIds: [RUN] });
    const row = facts({ cancelRequested: 'cancelled', recoveryRunIds: ['rec-1'] });
    const seen = look({ own: [crashed()], recoveries: [recovery({ executing: true })] });
    expect(decideOn(row, seen)).toEqual({ kind: 'abort', runIds: ['rec-1'] });
  });

  test('it ends as asked when the gateway shows that nothing executes (P28)', () => {
    const killed = look({ own: [own({ userRow: true, failure: failure({ aborted: true }) })] });
    for (const reason of ['cancelled', 'expired', 'budget'] as const) {
      const row = facts({ cancelRequested: reason });
      expect(decideOn(row, killed)).toEqual({ kind: 'confirm-abort', reason });
      expect(decideOn(row, look({ own: [burnt()] }))).toEqual({ kind: 'confirm-abort', reason });
    }
  });

  test('an answer that was there first is kept (P6)', () => {
    const seen = look({ own: [own({ userRow: true, answer: answer() })] });
    expect(decideOn(cancelled, seen).kind).toBe('collect');
  });

  test('a crashed turn may still resume: it is waited for, and ended when it does (P28)', () => {
    const owner = new Owner(cancelled);
    const young = look({ own: [crashed()], gateway: { bootId: 'boot-2', readyForMs: 5_000 } });
    expect(owner.sees(young)).toMatchObject({ kind: 'wait', reason: 'recovery' });
    const old = look({ own: [crashed()], gateway: { bootId: 'boot-2', readyForMs: 70_000 } });
    expect(owner.sees(old, 65_000)).toEqual({ kind: 'confirm-abort', reason: 'cancelled' });
  });

  test('a turn that waits behind others of its gateway is not taken for ended: unconfirmed within the bound (P28, ADR 0010)', () => {
    const owner = new Owner(cancelled);
    const behind = look({
      own: [crashed()],
      gateway: { readyForMs: 600_000, noRecoveryForMs: 0 },
    });
    owner.sees(behind);
    expect(owner.sees(behind, policy.abortBoundMs - 1)).toMatchObject({
      kind: 'wait',
      reason: 'recovery-queue',
    });
    expect(owner.sees(behind, 1)).toMatchObject({
      kind: 'indeterminate',
      reason: 'abort-unconfirmed',
      keepLane: true,
    });
  });

  test('a frame that may still be on the wire is waited for before the end is believed (P28)', () => {
    const owner = new Owner(facts({ state: 'sending', cancelRequested: 'cancelled' }));
    expect(owner.sees(look())).toMatchObject({ kind: 'wait', reason: 'arrival' });
    expect(owner.sees(look(), policy.arrivalMs)).toEqual({
      kind: 'confirm-abort',
      reason: 'cancelled',
    });
    const otherBoot = look({ gateway: { bootId: 'boot-2' } });
    expect(decideOn(owner.facts, otherBoot).kind).toBe('confirm-abort');
  });

  test('nothing is sent again for it (P23)', () => {
    const sent = facts({ state: 'sending', cancelRequested: 'expired' });
    for (const seen of [look(), look({ own: [burnt()] }), look({ foreignRunIds: ['chat'] })]) {
      expect(['wait', 'confirm-abort']).toContain(decideOn(sent, seen).kind);
    }
  });

  test('unconfirmed within the bound it goes to a person and keeps its lane (P28, R13)', () => {
    const owner = new Owner(cancelled);
    expect(owner.sees(running)).toMatchObject({ kind: 'abort' });
    owner.memory = rememberAbort(owner.memory, [RUN], owner.nowMs);
    expect(owner.sees(running, policy.abortBoundMs - 1)).toMatchObject({ kind: 'abort' });
    expect(owner.sees(running, 1)).toMatchObject({
      kind: 'indeterminate',
      reason: 'abort-unconfirmed',
      keepLane: true,
    });
  });

  test('a run that appears while another is being ended has a bound of its own (P28)', () => {
    const owner = new Owner(facts({ cancelRequested: 'cancelled', recoveryRunIds: ['rec-1'] }));
    owner.sees(running);
    owner.memory = rememberAbort(owner.memory, [RUN], owner.nowMs);
    const resumed = look({ own: [crashed()], recoveries: [recovery({ executing: true })] });
    expect(owner.sees(resumed, policy.abortBoundMs)).toEqual({ kind: 'abort', runIds: ['rec-1'] });
  });

  test('a gateway that cannot be seen for the whole bound leaves it unconfirmed (P28)', () => {
    for (const blind of [away, { kind: 'refused', reason: 'draining', retryAfterMs: 1 }] as const) {
      const owner = new Owner(cancelled);
      expect(owner.sees(blind)).toMatchObject({ kind: 'wait' });
      expect(owner.sees(blind, policy.abortBoundMs)).toMatchObject({
        kind: 'indeterminate',
        reason: 'abort-unconfirmed',
        keepLane: true,
      });
    }
  });

  test('the bound counts from the request, not from an absence before it (P28)', () => {
    const owner = new Owner(facts());
    owner.sees(away);
    owner.nowMs += policy.abortBoundMs;
    owner.facts = cancelled;
    expect(owner.sees(away)).toMatchObject({ kind: 'wait', reason: 'unreachable' });
  });
});

describe('deadline and run limit', () => {
  test('a passed deadline is written into the row first, whatever the gateway shows (P28)', () => {
    for (const state of ['planned', 'sending', 'accepted'] as const) {
      const row = facts({ state, deadlineAtMs: 900 });
      expect(decideOn(row, running)).toEqual({ kind: 'request-end', reason: 'expired' });
    }
  });

  test('a run is followed no longer than until its deadline (P19)', () => {
    const owner = new Owner(facts({ deadlineAtMs: 6_000 }));
    expect(owner.sees(running)).toMatchObject({ kind: 'follow', forMs: 5_000 });
  });

  test('a run beyond its limit and the margin is aborted, though nobody asked to cancel (P19)', () => {
    const row = facts({ sendingAtMs: 0, runLimitMs: 10_000 });
    const owner = new Owner(row);
    expect(owner.sees(running)).toMatchObject({ kind: 'follow' });
    expect(owner.sees(running, 10_000 + policy.runLimitMarginMs)).toEqual({
      kind: 'abort',
      runIds: [RUN],
    });
  });

  test('nobody aborts a run that is not to end (P26)', () => {
    expect(decideOn(facts(), running).kind).toBe('follow');
  });
});

describe('an attempt that waits for a person', () => {
  const unknown = facts({ state: 'indeterminate' });
  const failed = look({ own: [own({ userRow: true, failure: failure() })] });

  test.each([
    ['its answer', look({ own: [own({ userRow: true, answer: answer() })] })],
    ['its run', running],
    ['a recovery of it', look({ own: [crashed()], recoveries: [recovery({ executing: true })] })],
    ['its failure', failed],
  ])('is carried on without one when %s shows after all (P22, States)', (_what, seen) => {
    expect(decideOn(unknown, seen)).toEqual({ kind: 'reappear' });
  });

  test('is never sent again by itself (P36)', () => {
    const free = facts({ state: 'indeterminate', holdsLane: false });
    for (const seen of [look(), look({ own: [burnt()] }), look({ own: [crashed()] })]) {
      expect(decideOn(free, seen)).toEqual({ kind: 'return' });
    }
  });

  test('gives its lane back as soon as nothing of it executes, and not before (P28, R13)', () => {
    expect(decideOn(unknown, look())).toEqual({ kind: 'free-lane' });
    expect(decideOn(unknown, look({ own: [crashed()] }))).toEqual({ kind: 'free-lane' });
    const young = look({ own: [crashed()], gateway: { readyForMs: 1_000 } });
    expect(decideOn(unknown, young)).toEqual({ kind: 'return' });
    const behind = look({ own: [crashed()], gateway: { noRecoveryForMs: 1_000 } });
    expect(decideOn(unknown, behind)).toEqual({ kind: 'return' });
    expect(decideOn(unknown, away)).toEqual({ kind: 'return' });
  });

  test('that was never sent is not carried on by a run of the same name (P17, P36)', () => {
    const never = planned({ state: 'indeterminate' });
    expect(decideOn(never, look())).toEqual({ kind: 'free-lane' });
    expect(decideOn(never, running)).toEqual({ kind: 'return' });
    expect(decideOn({ ...never, holdsLane: false }, look())).toEqual({ kind: 'return' });
  });

  test('is left to the decision that stands (P29)', () => {
    expect(decideOn(facts({ state: 'indeterminate', decided: true }), running)).toEqual({
      kind: 'return',
    });
  });

  test('ends as cancelled when it was to end and the gateway shows that it has (P28)', () => {
    const row = facts({ state: 'indeterminate', cancelRequested: 'cancelled' });
    expect(decideOn(row, look({ own: [burnt()] }))).toEqual({ kind: 'reappear' });
    expect(decideOn(row, look({ gateway: { stateId: 'state-2' } }))).toEqual({ kind: 'free-lane' });
  });
});

describe('abortAttempt', () => {
  const step = (row: Parameters<typeof freshMemory>[0], seen: Observation) => {
    const memory = freshMemory(row);
    return decideAbort({ facts: row, seen, memory, policy, nowMs: 1_000 });
  };

  test('ends nothing that nobody asked to end (P26)', () => {
    expect(step(facts(), running)).toEqual({ kind: 'unasked' });
  });

  test('aborts what executes, for a cancel and for a decision (P28, P29)', () => {
    expect(step(cancelled, running)).toEqual({ kind: 'abort', runIds: [RUN] });
    expect(step(facts({ state: 'indeterminate' }), running)).toEqual({
      kind: 'abort',
      runIds: [RUN],
    });
  });

  test('confirms only what the gateway shows (P28)', () => {
    const row = facts({ state: 'indeterminate' });
    expect(step(row, look())).toEqual({ kind: 'confirmed' });
    expect(step(row, look({ own: [burnt()] }))).toEqual({ kind: 'confirmed' });
    expect(step(row, away)).toMatchObject({ kind: 'wait', reason: 'unreachable' });
    const young = look({ own: [crashed()], gateway: { readyForMs: 1_000 } });
    expect(step(row, young)).toMatchObject({ kind: 'wait', reason: 'recovery' });
    const memory = {
      ...freshMemory(row),
      still: { what: 'unfinished in boot-1', sinceMs: -9_000 },
    };
    const behind = look({ own: [crashed()], gateway: { noRecoveryForMs: 1_000 } });
    const after = decideAbort({ facts: row, seen: behind, memory, policy, nowMs: 1_000 });
    expect(after).toMatchObject({ kind: 'wait', reason: 'recovery' });
  });

  test('has nothing to end where nothing was sent or all is over (P29)', () => {
    expect(step(planned(), { kind: 'unseen' })).toEqual({ kind: 'confirmed' });
    expect(step(facts({ state: 'closed' }), { kind: 'unseen' })).toEqual({ kind: 'confirmed' });
  });
});
