import { expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CHAIN_HELP } from '../../../src/contract/chain-help.ts';
import {
  LINK_REASONS,
  LINKS,
  linkOf,
  type ChainVerdict,
  type LinkReason,
} from '../../../src/domain/dashboard-chain/link.ts';
import { diagnosisOf, healthOf } from '../../../src/domain/dashboard-chain/words.ts';

const OK = { state: 'ok' } as const;
const WELL: ChainVerdict = { gateway: OK, forward: OK, cors: OK, external: OK };
const REASONS = LINKS.flatMap((link) =>
  LINK_REASONS[link].map((name) => `${link}-${name}` as LinkReason),
);

test('every reason has one sentence and a page that says what happened and how to fix it (R60)', () => {
  const pages = readdirSync(join(import.meta.dirname, '../../../docs/errors/chain'));
  expect(pages.toSorted()).toEqual(REASONS.map((reason) => `${reason}.md`).toSorted());
  for (const reason of REASONS) {
    const link = linkOf(reason);
    const said = diagnosisOf({ ...WELL, [link]: { state: 'broken', reason, evidence: {} } });
    expect(said).toMatch(/^The .{10,}\.$/);
    expect(CHAIN_HELP[reason].whatHappened).toMatch(/\.$/);
    expect(CHAIN_HELP[reason].howToFix.length).toBeGreaterThan(20);
  }
  expect(new Set(REASONS.map((reason) => CHAIN_HELP[reason].whatHappened)).size).toBe(
    REASONS.length,
  );
});

test('a chain is as bad as its worst link: broken, then what nobody can tell, then planned; weak is no outage', () => {
  const broken = { state: 'broken', reason: 'gateway-hung', evidence: {} } as const;
  const unknown = { state: 'unknown', behind: null, detail: 'x' } as const;
  const expected = { state: 'expected', because: 'ann drained it' } as const;
  const weak = { state: 'degraded', reason: 'gateway-not-ready', evidence: {} } as const;
  expect(healthOf(WELL)).toBe('healthy');
  expect(healthOf({ ...WELL, gateway: weak })).toBe('healthy');
  expect(healthOf({ ...WELL, external: expected })).toBe('planned');
  expect(healthOf({ ...WELL, cors: unknown, external: expected })).toBe('inconclusive');
  expect(healthOf({ ...WELL, cors: unknown, gateway: broken })).toBe('unhealthy');
  expect(healthOf(null)).toBe('inconclusive');
});
