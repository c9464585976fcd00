import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { removeAbandoned } from '../../support/run-directory.ts';
import { tempDir } from '../../support/temp-dir.ts';

test('what a killed run of the tests left is removed by the next one; a run that lives keeps its own (R48)', () => {
  using dir = tempDir();
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const living = `dash-test-run-${process.pid}-a`;
  for (const name of [`dash-test-run-${dead}-b`, living, 'dash-test-run-x', 'other']) {
    mkdirSync(join(dir.path, name, 'inside'), { recursive: true });
  }
  removeAbandoned(dir.path);
  expect(readdirSync(dir.path).toSorted()).toEqual([living, 'dash-test-run-x', 'other']);
});
