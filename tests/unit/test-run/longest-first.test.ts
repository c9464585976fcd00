import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import LongestFirst, { LONG_FILES } from '../../support/longest-first.ts';

const rootDir = join(import.meta.dirname, '..', '..', '..');
const file = (name: string) => ({ path: join(rootDir, name), context: { config: { rootDir } } });

test('the long files begin first, then whole processes, then what needs services, then the rest (R48)', () => {
  const [longest] = LONG_FILES;
  const inOrder = [
    longest,
    'tests/e2e/up-external.test.ts',
    'tests/integration/api/tasks.test.ts',
    'tests/integration/db/claim.test.ts',
    'tests/contract/connection.test.ts',
    'tests/replay/histories.test.ts',
    'tests/unit/platform/ids.test.ts',
  ].map(file);
  expect(new LongestFirst().sort(inOrder.toReversed())).toEqual(inOrder);
});

test('every file that the order names is there (R48)', () => {
  expect(LONG_FILES.filter((name) => !existsSync(join(rootDir, name)))).toEqual([]);
});
