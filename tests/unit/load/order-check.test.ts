import { expect, test } from '@jest/globals';
import { checkOrder, type Queued } from '../../../scripts/load/order-check.ts';

const EQUAL = { a: 1, b: 1 };

function queue(
  ...tasks: readonly (readonly [id: string, tenant: string, level: number])[]
): Queued[] {
  return tasks.map(([taskId, tenant, level], index) => ({ taskId, tenant, level, seq: index + 1 }));
}

test('claims by level, then in turns, then by age are no inversion (R4)', () => {
  const queued = queue(
    ['low', 'a', 4],
    ['a1', 'a', 3],
    ['b1', 'b', 3],
    ['a2', 'a', 3],
    ['top', 'b', 1],
  );
  expect(checkOrder(queued, ['top', 'a1', 'b1', 'a2', 'low'], EQUAL)).toMatchObject({
    claims: 5,
    inversions: 0,
  });
});

test('a claim before a more urgent task, and one before an older task of its tenant, are counted (R4, R5)', () => {
  const queued = queue(['a1', 'a', 3], ['a2', 'a', 3], ['top', 'b', 1]);
  expect(checkOrder(queued, ['a1', 'top', 'a2'], EQUAL).inversions).toBe(1);
  expect(checkOrder(queued, ['top', 'a2', 'a1'], EQUAL).inversions).toBe(1);
});

test('the share of a tenant is measured while the others have work, by its weight', () => {
  const tasks = Array.from({ length: 8 }).flatMap((_, index) => [
    [`a${index}`, 'a', 3] as const,
    [`b${index}`, 'b', 3] as const,
  ]);
  const fair = ['a0', 'a1', 'a2', 'b0', 'a3', 'a4', 'a5', 'b1', 'a6', 'a7', 'b2', 'b3'];
  const findings = checkOrder(queue(...tasks), fair, { a: 3, b: 1 });
  expect(findings.shareError).toBeCloseTo(8 / 10 - 3 / 4);
  expect(checkOrder(queue(...tasks), fair, EQUAL).shareError).toBeCloseTo(8 / 10 - 1 / 2);
});
