import { expect, test } from '@jest/globals';
import { newId } from '../../../src/platform/ids.ts';

test('ids are lower case, of fixed length and sort by the time they were made', async () => {
  const ids: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    ids.push(newId('task'));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(ids).toEqual(ids.toSorted());
  for (const id of ids) expect(id).toMatch(/^task-[0-9a-z]{26}$/);
});

test('ten thousand ids made at once are all different', () => {
  expect(new Set(Array.from({ length: 10_000 }, () => newId('req'))).size).toBe(10_000);
});
