import { describe, expect, test } from '@jest/globals';
import {
  LINK_REASONS,
  LINKS,
  type ChainVerdict,
  type LinkName,
  type LinkReason,
  type LinkVerdict,
} from '../../../src/domain/dashboard-chain/link.ts';
import {
  planHeal,
  remedyOf,
  type HealSituation,
  type HealTry,
} from '../../../src/domain/dashboard-chain/plan.ts';

const OK: LinkVerdict = { state: 'ok' };
const WELL: ChainVerdict = { gateway: OK, forward: OK, cors: OK, external: OK };
const MANAGED = { isManaged: true, hint: null };
const ADOPTED = { isManaged: false, hint: null };
const NOW: HealSituation = { nowMs: 10_000_000, gateway: MANAGED, tries: [], startsMs: [] };
const broken = (reason: LinkReason): LinkVerdict => ({ state: 'broken', reason, evidence: {} });
const ALL = LINKS.flatMap((link) =>
  LINK_REASONS[link].map((word) => `${link}-${word}` as LinkReason),
);

function stepOf(reason: LinkReason, situation: Partial<HealSituation> = {}): unknown {
  const link = reason.split('-')[0] as LinkName;
  const [planned] = planHeal({ ...WELL, [link]: broken(reason) }, { ...NOW, ...situation });
  return planned?.step;
}

const tried = (reason: LinkReason, agoMs: number, healed = false): HealTry => ({
  link: reason.split('-')[0] as LinkName,
  reason,
  atMs: NOW.nowMs - agoMs,
  healed,
});

describe('what is done about a broken chain', () => {
  test('nothing about links that are well, unknown or down by plan: a second heal takes no action (R61)', () => {
    const unknown: LinkVerdict = { state: 'unknown', behind: null, detail: '' };
    const expected: LinkVerdict = { state: 'expected', because: 'drained by ann' };
    expect(planHeal(WELL, NOW)).toEqual([]);
    expect(planHeal({ ...WELL, gateway: unknown, forward: expected }, NOW)).toEqual([]);
  });

  test('only broken links have a step, in their order (R61)', () => {
    const verdict = {
      ...WELL,
      cors: broken('cors-origin-refused'),
      gateway: broken('gateway-hung'),
    };
    expect(planHeal(verdict, NOW)).toEqual([
      {
        link: 'gateway',
        reason: 'gateway-hung',
        step: { kind: 'act', action: 'restart-gateway' },
      },
      {
        link: 'cors',
        reason: 'cors-origin-refused',
        step: { kind: 'act', action: 'patch-origins' },
      },
    ]);
  });

  test('what lies outside, and what others own, is told and never touched (R61, X01)', () => {
    const foreign = ALL.filter((reason) => /^external|foreign/.test(reason));
    expect(foreign).toHaveLength(LINK_REASONS.external.length + 2);
    for (const reason of foreign)
      expect(remedyOf(reason, MANAGED)).toMatchObject({ kind: 'person' });
  });

  test('every fault has its remedy, and none is for a link other than its own', () => {
    const forGateway = ALL.filter((reason) => {
      const remedy = remedyOf(reason, MANAGED);
      return remedy.kind === 'act' && remedy.action.endsWith('gateway');
    });
    // A restart is how origins become effective where the gateway does not reload them.
    expect(forGateway).toEqual(['gateway-hung', 'gateway-resets', 'cors-origins-not-effective']);
  });

  test('what has ended is started by its host, or by a person: never by the chain beside it', () => {
    // No time: a heal that looks again and again would only fill its history.
    expect(stepOf('gateway-not-listening')).toMatchObject({ kind: 'wait', untilMs: null });
    const hint = 'Mend the configuration, then send recover.';
    expect(stepOf('gateway-not-listening', { gateway: { isManaged: true, hint } })).toEqual({
      kind: 'person',
      because: hint,
    });
    // Nobody would start it again: its host waits for the person, too.
    expect(stepOf('gateway-hung', { gateway: { isManaged: true, hint } })).toMatchObject({
      kind: 'person',
    });
    for (const reason of [
      'gateway-not-listening',
      'gateway-hung',
      'gateway-resets',
      'cors-origins-not-effective',
    ] as const)
      expect(stepOf(reason, { gateway: ADOPTED })).toMatchObject({ kind: 'person' });
  });

  test("origins: those that are missing are added, those that Dash has left are taken away, the rest is a person's (S07, X18)", () => {
    const patch = { kind: 'act', action: 'patch-origins' };
    expect(stepOf('cors-origin-refused')).toEqual(patch);
    expect(stepOf('cors-origin-left-over')).toEqual(patch);
    expect(stepOf('cors-open-to-all')).toMatchObject({ kind: 'person' });
  });

  test('a gateway that is starting is waited for (X14)', () => {
    expect(stepOf('gateway-starting')).toMatchObject({ kind: 'wait' });
  });
});

describe('a heal that does not help', () => {
  test('is tried again twice as late each time, and after five times a person is asked', () => {
    const reason = 'forward-no-listener';
    const tries: HealTry[] = [];
    const pauses: number[] = [];
    let nowMs = NOW.nowMs;
    for (;;) {
      const step = stepOf(reason, { nowMs, tries }) as { kind: string; untilMs: number };
      if (step.kind === 'person') break;
      if (step.kind === 'wait') {
        pauses.push((step.untilMs - nowMs) / 1_000);
        nowMs = step.untilMs;
      } else {
        tries.push({ link: 'forward', reason, atMs: nowMs, healed: false });
      }
    }
    expect(tries).toHaveLength(5);
    expect(pauses).toEqual([30, 60, 120, 240]);
  });

  test('starts anew once it helped, until the same fault comes back a third time within the hour (X10)', () => {
    const reason = 'forward-hung';
    const helped = [tried(reason, 50_000), tried(reason, 1_000, true)];
    expect(stepOf(reason, { tries: helped })).toMatchObject({ kind: 'act' });
    const loop = [3_000_000, 2_000_000, 1_000_000].map((ago) => tried(reason, ago, true));
    expect(stepOf(reason, { tries: loop })).toMatchObject({
      kind: 'person',
      because: expect.stringMatching(/healed 3 times/),
    });
    expect(stepOf('forward-no-listener', { tries: loop })).toMatchObject({ kind: 'act' });
  });

  test('never starts a gateway a third time within five minutes, whoever started it before (X04)', () => {
    const startsMs = [NOW.nowMs - 200_000, NOW.nowMs - 100_000];
    for (const reason of [
      'gateway-resets',
      'gateway-hung',
      'cors-origins-not-effective',
    ] as const) {
      expect(stepOf(reason, { startsMs })).toMatchObject({
        kind: 'wait',
        untilMs: NOW.nowMs + 100_000,
      });
      expect(stepOf(reason, { startsMs: startsMs.slice(1) })).toMatchObject({ kind: 'act' });
    }
    expect(stepOf('forward-hung', { startsMs })).toMatchObject({ kind: 'act' });
  });
});
