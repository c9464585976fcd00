import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isSecretKey } from '../../../src/platform/secret-box.ts';
import { PROJECT_DIR } from '../../support/planted-tree.ts';
import { tempDir } from '../../support/temp-dir.ts';

test('make-env.sh makes fresh secrets once, for their owner only, and never touches them again', () => {
  using dir = tempDir();
  cpSync(join(PROJECT_DIR, 'deploy'), join(dir.path, 'deploy'), { recursive: true });
  const makeEnv = (): number | null =>
    spawnSync('sh', [join(dir.path, 'deploy/make-env.sh')], { cwd: '/' }).status;
  const file = join(dir.path, '.env');

  expect(makeEnv()).toBe(0);
  const text = readFileSync(file, 'utf8');
  const values = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
  expect(values).toEqual({
    POSTGRES_PASSWORD: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
    DASH_POSTGRES_PASSWORD: expect.stringMatching(/^[A-Za-z0-9]{32}$/),
    DASH_SECRET_KEY: expect.any(String),
  });
  expect(values['POSTGRES_PASSWORD']).not.toBe(values['DASH_POSTGRES_PASSWORD']);
  expect(isSecretKey(String(values['DASH_SECRET_KEY']))).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  expect(makeEnv()).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(dir.path).toSorted()).toEqual(['.env', 'deploy']);
});
