import { expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { canReach, reachablePrograms } from '../../../src/local/postgres-account.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** An account that owns nothing here. */
const account = { uid: 54_321, gid: 54_321 };

test('an account reaches a path only when each directory above it lets others through', () => {
  using dir = tempDir();
  const inner = join(dir.path, 'a', 'b');
  mkdirSync(inner, { recursive: true });
  expect(canReach(account, join(inner, 'not made yet'))).toBe(true);
  chmodSync(join(dir.path, 'a'), 0o700);
  expect(canReach(account, join(inner, 'not made yet'))).toBe(false);
});

test('programs out of reach are copied whole to where the account can run them, once', () => {
  using dir = tempDir();
  const installedDir = join(dir.path, 'installed');
  mkdirSync(join(installedDir, 'bin'), { recursive: true });
  writeFileSync(join(installedDir, 'bin', 'postgres'), 'program', { mode: 0o755 });
  symlinkSync('postgres', join(installedDir, 'bin', 'link'));
  const options = { installedDir, version: '18.4', account, copiesDir: join(dir.path, 'outside') };
  expect(reachablePrograms(options)).toBe(installedDir);

  chmodSync(installedDir, 0o700);
  const copy = reachablePrograms(options);
  expect(canReach(account, join(copy, 'bin', 'postgres'))).toBe(true);
  expect(readFileSync(join(copy, 'bin', 'link'), 'utf8')).toBe('program');

  writeFileSync(join(copy, 'mark'), '');
  expect(reachablePrograms(options)).toBe(copy);
  expect(existsSync(join(copy, 'mark'))).toBe(true);
});
