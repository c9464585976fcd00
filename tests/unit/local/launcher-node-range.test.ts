import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface NodeRange {
  satisfies(version: string, range: string): boolean;
}
const root = join(import.meta.dirname, '..', '..', '..');
const { satisfies } = (await import(join(root, 'scripts/launch/node-range.mjs'))) as NodeRange;
const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  engines: { node: string };
};

test.each([
  ['18.20.4', false],
  ['20.20.2', false],
  ['24.15.9', false],
  ['24.16.0', true],
  ['24.21.0', true],
  ['25.0.0', false],
  ['26.0.9', false],
  ['26.1.0', true],
  ['27.3.1', true],
])('Node %s against the engines of package.json: %s', (version, isSuitable) => {
  expect(satisfies(version, engines.node)).toBe(isSuitable);
});

test('the locked Node of tools/node and .nvmrc is one that package.json allows', () => {
  const tool = JSON.parse(readFileSync(join(root, 'tools/node/package.json'), 'utf8')) as {
    optionalDependencies: Record<string, string>;
  };
  const pinned = readFileSync(join(root, '.nvmrc'), 'utf8').trim();
  expect(new Set(Object.values(tool.optionalDependencies))).toEqual(new Set([pinned]));
  expect(satisfies(pinned, engines.node)).toBe(true);
});

test('a range in a grammar the launcher does not know is refused, never guessed', () => {
  expect(() => satisfies('24.0.0', '^24.0.0')).toThrow('is not a comparator');
});
