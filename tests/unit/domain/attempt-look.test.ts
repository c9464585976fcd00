import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/domain/attempt-protocol.ts';
import {
  remember,
  rememberCommit,
  rememberRefusal,
  rememberToLook,
} from '../../../src/domain/attempt-protocol-memory.ts';
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
  RESENT,
  RUN,
} from './attempt-fixtures.ts';

const sending = facts({ state: 'sending' });
const accepted = facts();

describe('finished well', () => {
  test('an own answer is collected (P22 case 1)', () => {
    const seen = look({ own: [own({ userRow: true, answer: answer() })] });
    expect(decideOn(accepted, seen)).toEqual({ kind: 'collect', answer: answer() });
    expect(decideOn(sending, seen)).toEqual({ kind: 'collect', answer: answer() });
  });

  test('the answer of a recovery run is collected after the run was written down (P22 case 1)', () => {
    const seen = look({ own: [crashed()], recoveries: [recovery({ answer: answer('rec-1') })] });
    expect(decideOn(accepted, seen)).toEqual({ kind: 'adopt', runId: 'rec-1', ownRunId: RUN });
    expect(decideOn(facts({ recoveryRunIds: ['rec-1'] }), seen)).toEqual({
      kind: 'collect',
      answer: answer('rec-1'),
    });
  });

  test('an answer outweighs everything else that shows (P22 order)', () => {
    const seen = look({
      own: [own({ userRow: true, endedByRestart: true, answer: answer() })],
      recoveries: [recovery({ executing: true })],
      foreignRunIds: ['chat-1'],
    });
    expect(decideOn(accepted, seen).kind).toBe('collect');
  });
});

describe('executing', () => {
  test('an own run is followed until its limit (P22 case 2, P19)', () => {
    const owner = new Owner(facts({ sendingAtMs: 500, runLimitMs: 10_000 }));
    expect(owner.sees(look({ own: [own({ userRow: true, executing: true })] }))).toEqual({
      kind: 'follow',
      runId: RUN,
      forMs: 500 + 10_000 + policy.runLimitMarginMs - owner.nowMs,
    });
  });

  test('a queued own run is followed like an executing one (P22 case 2)', () => {
    const seen = look({ own: [own({ executing: true, pendingInput: 'queued' })] });
    expect(decideOn(accepted, seen)).toMatchObject({ kind: 'follow', runId: RUN });
  });

  test('what shows as begun is written down as accepted first, so that it can vanish later (P22 case 9)', () => {
    const executing = look({ own: [own({ userRow: true, executing: true })] });
    expect(decideOn(sending, executing)).toEqual({ kind: 'record-accepted', runId: RUN });
    expect(decideOn(sending, look({ own: [crashed()] }))).toEqual({
      kind: 'record-accepted',
      runId: RUN,
    });
  });

  test('a recovery run after an own row is adopted, then followed (P22 case 3)', () => {
    const seen = look({ own: [crashed()], recoveries: [recovery({ executing: true })] });
    expect(decideOn(accepted, seen)).toEqual({ kind: 'adopt', runId: 'rec-1', ownRunId: RUN });
    expect(decideOn(facts({ recoveryRunIds: ['rec-1'] }), seen)).toMatchObject({
      kind: 'follow',
      runId: 'rec-1',
    });
  });
});

describe('interrupted before it began', () => {
  test('it is sent again under the next run id (P22 case 4)', () => {
    expect(decideOn(accepted, look({ own: [burnt()] }))).toEqual({
      kind: 'commit-sending',
      runId: RESENT,
      bootId: 'boot-1',
      stateId: 'state-1',
    });
  });

  test('the commit of the next run id is followed by its send, not by yet another run id (P22 case 4, P23)', () => {
    const owner = new Owner(accepted);
    owner.sees(look({ own: [burnt()] }));
    owner.facts = facts({ state: 'sending', runIds: [RUN, RESENT] });
    owner.memory = rememberCommit(owner.memory, RESENT, 'boot-1');
    expect(owner.sees(look({ own: [burnt()] }))).toEqual({
      kind: 'send',
      runId: RESENT,
      bootId: 'boot-1',
    });
  });

  test('a run id that was burnt before says nothing about the one sent after it (P22 case 4)', () => {
    const resent = facts({ state: 'sending', runIds: [RUN, RESENT] });
    const own2 = [burnt(), own({ runId: RESENT })];
    expect(decideOn(resent, look({ own: own2 }))).toMatchObject({
      kind: 'commit-sending',
      runId: RESENT,
    });
    const began = [burnt(), own({ runId: RESENT, userRow: true, executing: true })];
    expect(decideOn(facts({ runIds: [RUN, RESENT] }), look({ own: began }))).toMatchObject({
      kind: 'follow',
      runId: RESENT,
    });
  });

  test('a turn that began is never sent again, whatever else was interrupted (P22 case 5 before 4)', () => {
    const row = facts({ runIds: [RUN, RESENT] });
    const seen = look({ own: [crashed(), burnt(RESENT)] });
    expect(decideOn(row, seen)).toMatchObject({ kind: 'wait', reason: 'recovery' });
  });
});

describe('begun, not finished, not executing', () => {
  const young = look({ own: [crashed()], gateway: { bootId: 'boot-2', readyForMs: 10_000 } });
  const old = look({ own: [crashed()], gateway: { bootId: 'boot-2', readyForMs: 60_000 } });

  test('a recovery is waited for during the whole grace after ready (P22 case 5)', () => {
    const owner = new Owner(accepted);
    expect(owner.sees(young)).toMatchObject({ kind: 'wait', reason: 'recovery' });
    expect(owner.sees(young, policy.settleMs)).toMatchObject({ kind: 'wait', reason: 'recovery' });
    expect(owner.sees(old, 50_000)).toMatchObject({
      kind: 'indeterminate',
      reason: 'no-recovery',
      keepLane: false,
    });
  });

  test('a boot that has long been ready is given a moment too: its books trail each other (P22 case 5)', () => {
    const owner = new Owner(accepted);
    expect(owner.sees(look({ own: [own({ userRow: true })] }))).toMatchObject({ kind: 'wait' });
    expect(owner.sees(look({ own: [own({ userRow: true })] }), policy.settleMs)).toMatchObject({
      kind: 'indeterminate',
      reason: 'no-recovery',
    });
  });

  test('each boot has a grace of its own (P22 case 5)', () => {
    const owner = new Owner(accepted);
    owner.sees(old);
    const next = look({ own: [crashed()], gateway: { bootId: 'boot-3', readyForMs: 1_000 } });
    expect(owner.sees(next, policy.settleMs)).toMatchObject({ kind: 'wait', reason: 'recovery' });
  });

  const behind = look({
    own: [crashed()],
    gateway: { bootId: 'boot-2', readyForMs: 600_000, noRecoveryForMs: 0 },
  });

  test('the grace does not run while the gateway resumes another turn, and begins anew when that has ended (P22 case 5, ADR 0010)', () => {
    const owner = new Owner(accepted);
    owner.sees(behind);
    const queued = { kind: 'wait', reason: 'recovery-queue' };
    expect(owner.sees(behind, 3_000_000)).toMatchObject(queued);
    const gateway = { bootId: 'boot-2', readyForMs: 3_600_000 };
    const ended = look({ own: [crashed()], gateway: { ...gateway, noRecoveryForMs: 59_999 } });
    expect(owner.sees(ended, 59_999)).toMatchObject(queued);
    const late = look({ own: [crashed()], gateway: { ...gateway, noRecoveryForMs: 60_000 } });
    expect(owner.sees(late, 1)).toMatchObject({ kind: 'indeterminate', reason: 'no-recovery' });
  });

  test('a gateway that resumes others for ever is waited for no longer than the run limit (P19, P22 case 5)', () => {
    const owner = new Owner(facts({ runLimitMs: 1_800_000 }));
    owner.sees(behind);
    const untilLimitMs = 1_800_000 + policy.runLimitMarginMs - owner.nowMs;
    expect(owner.sees(behind, untilLimitMs - 1)).toMatchObject({ kind: 'wait' });
    const given = owner.sees(behind, 1);
    expect(given).toMatchObject({ kind: 'indeterminate', reason: 'no-recovery', keepLane: false });
    expect(given).toMatchObject({ evidence: expect.stringContaining('limit of 1800 s passed') });
  });

  test('a recovery run that was interrupted too is waited for like the turn itself (P22 case 5)', () => {
    const seen = look({ own: [crashed()], recoveries: [recovery()], gateway: { readyForMs: 1 } });
    expect(decideOn(accepted, seen)).toMatchObject({ kind: 'wait', reason: 'recovery' });
  });

  test('the end of the process is no failure of the run (P22 case 5 before 6)', () => {
    const run = own({ userRow: true, endedByRestart: true, failure: failure() });
    expect(decideOn(accepted, look({ own: [run] }))).toMatchObject({
      kind: 'wait',
      reason: 'recovery',
    });
  });
});

describe('finished badly', () => {
  test('the failure of the run is the failure of the attempt (P22 case 6)', () => {
    const seen = look({ own: [own({ userRow: true, failure: failure() })] });
    expect(decideOn(accepted, seen)).toEqual({ kind: 'fail', failure: failure() });
    expect(decideOn(sending, seen)).toEqual({ kind: 'fail', failure: failure() });
  });

  test('the failure of a recovery run counts after the interrupted turn (P22 case 6)', () => {
    const failed = failure({ runId: 'rec-1' });
    const seen = look({ own: [crashed()], recoveries: [recovery({ failure: failed })] });
    expect(decideOn(accepted, seen)).toEqual({ kind: 'fail', failure: failed });
  });

  test('a run that was ended at its limit failed for lack of time, and may be tried again (P19)', () => {
    const row = facts({ sendingAtMs: -100_000, runLimitMs: 20_000 });
    const seen = look({ own: [own({ userRow: true, failure: failure({ aborted: true }) })] });
    expect(decideOn(row, seen)).toMatchObject({
      kind: 'fail',
      failure: { class: 'transient', timedOut: true, aborted: true },
    });
  });
});

describe("another's run in the session", () => {
  test('is waited for, bounded, before anything is sent (P22 case 7)', () => {
    const owner = new Owner(planned());
    const busy = look({ foreignRunIds: ['chat-1'] });
    expect(owner.sees(busy)).toMatchObject({ kind: 'wait', reason: 'session-busy' });
    expect(owner.sees(busy, policy.sessionBusyMs - 1)).toMatchObject({ kind: 'wait' });
    expect(owner.sees(busy, 1)).toMatchObject({ kind: 'indeterminate', reason: 'session-busy' });
  });

  test('keeps a resend waiting too: nothing is put behind a run of the session (R2)', () => {
    const seen = look({ own: [burnt()], foreignRunIds: ['chat-1'] });
    expect(decideOn(accepted, seen)).toMatchObject({ kind: 'wait', reason: 'session-busy' });
  });

  test('does not hide an own run (P22 order)', () => {
    const seen = look({ own: [own({ executing: true })], foreignRunIds: ['chat-1'] });
    expect(decideOn(accepted, seen)).toMatchObject({ kind: 'follow', runId: RUN });
  });
});

describe('a gateway that takes no work or cannot be reached', () => {
  const refused = { kind: 'refused', reason: 'draining', retryAfterMs: 1_000 } as const;
  const away = { kind: 'unreachable', why: 'ECONNREFUSED' } as const;

  test('a refusal is waited out: what runs there goes on (P22 case 8)', () => {
    const owner = new Owner(accepted);
    expect(owner.sees(refused)).toEqual({ kind: 'wait', reason: 'refused', forMs: 1_000 });
    expect(owner.sees(refused, 40 * 60_000)).toMatchObject({ kind: 'wait', reason: 'refused' });
  });

  test('an attempt that was never sent goes back to the queue after a while (P27)', () => {
    for (const seen of [refused, away]) {
      const owner = new Owner(planned());
      expect(owner.sees(seen)).toMatchObject({ kind: 'wait' });
      expect(owner.sees(seen, policy.unsentWaitMs)).toMatchObject({
        kind: 'release',
        proof: 'planned',
      });
    }
  });

  test('an attempt that may have been sent is never released for that: a person is asked (P27)', () => {
    const owner = new Owner(sending);
    expect(owner.sees(away)).toMatchObject({ kind: 'wait', reason: 'unreachable' });
    expect(owner.sees(away, policy.gatewayGoneMs - 1)).toMatchObject({ kind: 'wait' });
    expect(owner.sees(away, 1)).toMatchObject({
      kind: 'indeterminate',
      reason: 'gateway-gone',
      keepLane: true,
    });
  });

  test('an owner that was not looking has not seen it last: its bound begins anew (P24)', () => {
    const owner = new Owner(accepted);
    owner.sees(away);
    owner.nowMs += policy.gatewayGoneMs;
    owner.memory = rememberToLook(owner.memory, owner.nowMs, policy.inattentionMs);
    expect(owner.sees(away)).toMatchObject({ kind: 'wait', reason: 'unreachable' });
  });

  test('what a look shows counts from when it was asked, however late its answer is read (P24)', () => {
    const owner = new Owner(accepted);
    owner.sees(look());
    const memory = remember(owner.memory, accepted, look(), owner.nowMs + policy.settleMs);
    const nowMs = owner.nowMs + policy.settleMs;
    expect(decide({ facts: accepted, seen: look(), memory, policy, nowMs })).toMatchObject({
      kind: 'wait',
      reason: 'settling',
    });
  });

  test('any look in between begins the bound anew', () => {
    const owner = new Owner(accepted);
    owner.sees(away);
    owner.sees(look({ own: [own({ executing: true })] }), policy.gatewayGoneMs - 1);
    expect(owner.sees(away, 2)).toMatchObject({ kind: 'wait', reason: 'unreachable' });
  });
});

describe('nowhere', () => {
  test('accepted before and nowhere now is for a person, once it is certain (P22 case 9)', () => {
    const owner = new Owner(accepted);
    expect(owner.sees(look())).toMatchObject({ kind: 'wait', reason: 'settling' });
    expect(owner.sees(look(), policy.settleMs)).toMatchObject({
      kind: 'indeterminate',
      reason: 'vanished',
      keepLane: false,
    });
  });

  test('another state directory proves nothing, even when it shows an answer (P22 case 9)', () => {
    for (const stateId of ['state-2', null]) {
      const seen = look({ own: [own({ answer: answer() })], gateway: { stateId } });
      expect(decideOn(accepted, seen)).toMatchObject({
        kind: 'indeterminate',
        reason: 'state-replaced',
        keepLane: false,
      });
      expect(decideOn(sending, seen)).toMatchObject({ reason: 'state-replaced' });
    }
  });

  test('nothing at all: the send is committed, then made (P22 case 10, P23)', () => {
    const owner = new Owner(planned());
    expect(owner.sees({ kind: 'unseen' })).toEqual({ kind: 'look', runIds: [RUN] });
    const commit = { runId: RUN, bootId: 'boot-1', stateId: 'state-1' };
    expect(owner.sees(look())).toEqual({ kind: 'commit-sending', ...commit });
    owner.facts = facts({ ...commit, state: 'sending' });
    owner.memory = rememberCommit(owner.memory, RUN, 'boot-1');
    expect(owner.sees(look())).toEqual({ kind: 'send', runId: RUN, bootId: 'boot-1' });
  });

  test('a commit of another owner is never taken for the own one: it is committed again (P23)', () => {
    expect(decideOn(sending, look())).toMatchObject({ kind: 'commit-sending', runId: RUN });
  });

  test('a send that was never seen goes out again under the same run id, in any boot (P22 case 10)', () => {
    const seen = look({ gateway: { bootId: 'boot-2' } });
    expect(decideOn(sending, seen)).toEqual({
      kind: 'commit-sending',
      runId: RUN,
      bootId: 'boot-2',
      stateId: 'state-1',
    });
  });

  test('without the sentinel nothing is sent: a replaced state could not be told (P22)', () => {
    const owner = new Owner(planned());
    const bare = look({ gateway: { stateId: null } });
    expect(owner.sees(bare)).toMatchObject({ kind: 'wait', reason: 'sentinel' });
    expect(owner.sees(bare, policy.unsentWaitMs)).toMatchObject({ kind: 'release' });
  });

  test('a run id that was never committed and is known there is for a person, never sent (P36)', () => {
    for (const run of [burnt(), crashed(), own({ executing: true }), own({ answer: answer() })]) {
      expect(decideOn(planned(), look({ own: [run] }))).toMatchObject({
        kind: 'indeterminate',
        reason: 'unexpected',
      });
    }
  });
});

describe('refused and unanswered sends', () => {
  const later = { kind: 'later', message: 'draining', retryAfterMs: 500 } as const;

  function afterRefusal(
    row = sending,
    refusal: Parameters<typeof rememberRefusal>[1] = later,
  ): Owner {
    const owner = new Owner(planned());
    owner.facts = row;
    owner.memory = rememberRefusal(owner.memory, refusal, owner.nowMs);
    return owner;
  }

  test('a provable refusal is tried again after the hint, then released (P27)', () => {
    const owner = afterRefusal();
    expect(owner.sees(look())).toEqual({ kind: 'wait', reason: 'refused', forMs: 500 });
    expect(owner.sees(look(), 500)).toMatchObject({ kind: 'commit-sending', runId: RUN });
    expect(owner.sees(look(), policy.unsentWaitMs)).toMatchObject({
      kind: 'release',
      proof: 'refused-sending',
    });
  });

  test('after a send with an unknown outcome nothing is released: it may have arrived (P27, R10)', () => {
    const owner = afterRefusal();
    owner.memory = rememberRefusal(owner.memory, { ...later, kind: 'unclear' }, owner.nowMs);
    owner.memory = rememberRefusal(owner.memory, later, owner.nowMs);
    expect(owner.sees(look(), policy.unsentWaitMs)).toMatchObject({ kind: 'commit-sending' });
    expect(owner.sees(look(), policy.gatewayGoneMs)).toMatchObject({
      kind: 'indeterminate',
      reason: 'gateway-gone',
    });
  });

  test('an unanswered send is looked for before the same run id goes out again, more slowly each time (R10)', () => {
    const owner = afterRefusal(sending, { ...later, kind: 'unclear' });
    expect(owner.sees(look())).toEqual({ kind: 'wait', reason: 'arrival', forMs: policy.pollMs });
    expect(owner.sees(look(), policy.pollMs)).toMatchObject({ kind: 'commit-sending', runId: RUN });
    owner.memory = rememberRefusal(owner.memory, { ...later, kind: 'unclear' }, owner.nowMs);
    expect(owner.sees(look())).toMatchObject({ kind: 'wait', forMs: policy.pollMs * 2 });
  });

  test('a gateway that never answers and never shows anything is for a person (G11)', () => {
    const owner = afterRefusal(sending, { ...later, kind: 'unclear' });
    for (let times = 1; times < policy.maxUnclearSends; times += 1) {
      expect(owner.sees(look(), 60_000)).toMatchObject({ kind: 'commit-sending' });
      owner.memory = rememberRefusal(owner.memory, { ...later, kind: 'unclear' }, owner.nowMs);
    }
    expect(owner.sees(look(), 60_000)).toMatchObject({
      kind: 'indeterminate',
      reason: 'unexpected',
    });
  });

  test('what the gateway can never take fails for good (R7)', () => {
    const invalid = { kind: 'invalid', message: 'unknown agent', retryAfterMs: null } as const;
    expect(afterRefusal(sending, invalid).sees(look())).toMatchObject({
      kind: 'fail',
      failure: { class: 'permanent', runId: RUN },
    });
  });

  test('a gateway whose row takes no work releases at once what was never sent (P23)', () => {
    const closed = { kind: 'closed', message: 'cordoned', retryAfterMs: null } as const;
    expect(afterRefusal(planned(), closed).sees(look())).toMatchObject({
      kind: 'release',
      proof: 'planned',
    });
  });

  test('a send to an earlier boot that never showed is proven unsent: the input is durable before the answer (P27)', () => {
    const closed = { kind: 'closed', message: 'cordoned', retryAfterMs: null } as const;
    const owner = new Owner(sending);
    owner.memory = rememberRefusal(owner.memory, closed, owner.nowMs);
    expect(owner.sees(look())).toMatchObject({ kind: 'wait', reason: 'gateway-closed' });
    expect(owner.sees(look({ gateway: { bootId: 'boot-2' } }))).toMatchObject({
      kind: 'release',
      proof: 'refused-sending',
    });
  });

  test('an interrupted input that nobody takes again fails with its reason, for another try elsewhere (P22 case 4)', () => {
    const closed = { kind: 'closed', message: 'cordoned', retryAfterMs: null } as const;
    const owner = new Owner(accepted);
    owner.memory = rememberRefusal(owner.memory, closed, owner.nowMs);
    expect(owner.sees(look({ own: [burnt()] }))).toMatchObject({ kind: 'wait' });
    expect(owner.sees(look({ own: [burnt()] }), policy.gatewayGoneMs)).toMatchObject({
      kind: 'fail',
      failure: { class: 'transient' },
    });
  });
});
