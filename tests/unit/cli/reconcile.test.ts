import { expect, it } from '@jest/globals';
import { EXIT } from '../../../cli/exit-codes.ts';
import { dashctl } from './harness.ts';

const FINDING = {
  id: 1,
  kind: 'owner-gone',
  subject: 'g1',
  detail: {},
  repaired: false,
  times: 3,
  firstSeenAt: '2026-11-22T15:00:00.000Z',
  lastSeenAt: '2026-11-22T15:02:00.000Z',
};

it('reconcile list shows what stands, and says when everything agrees (P35)', async () => {
  const asked: Record<string, string>[] = [];
  const answer = (items: readonly object[]) =>
    dashctl(['reconcile', 'list', '--standing', '--kind', 'owner-gone'], {
      answer: ({ query }) => {
        asked.push(query);
        return [200, { items, nextCursor: null }];
      },
    });
  const found = await answer([FINDING]);
  expect(found.stdout).toMatch(/owner-gone\s+g1\s+no\s+3/);
  expect(asked[0]).toMatchObject({ standing: 'true', kind: 'owner-gone' });
  expect((await answer([])).stderr).toMatch(/everything agrees/);
});

it('reconcile run asks for a round; restore-complete needs to know which database (P35, P36)', async () => {
  const run = await dashctl(['reconcile', 'run', '--json'], {
    answer: () => [202, { asked: true }],
  });
  expect(JSON.parse(run.stdout)).toEqual({ asked: true });
  const restore = await dashctl(['restore-complete']);
  expect(restore.exitCode).toBe(EXIT.usage);
  expect(restore.stderr).toMatch(/DATABASE_URL is not set/);
});
