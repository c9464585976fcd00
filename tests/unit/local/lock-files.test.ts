import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');

test.each([
  'package-lock.json',
  'tools/node/package-lock.json',
  'tools/openclaw/package-lock.json',
])('%s locks by integrity and names no registry, so that any mirror will do', (path) => {
  const { packages } = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
    packages: Record<string, { resolved?: string; integrity?: string }>;
  };
  expect(Object.keys(packages).length).toBeGreaterThan(2);
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
