import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ensureNpmTree } from '../../../src/local/npm-tree.ts';
import { ensureOpenClaw } from '../../../src/local/openclaw-package.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingProgress } from '../../support/recording-progress.ts';
import { tempDir } from '../../support/temp-dir.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const npm = join(root, 'tests', 'support', 'programs', 'npm-cli.js');
let dir: ReturnType<typeof tempDir>;

beforeEach(() => {
  dir = tempDir();
  lock('1.0.0');
});
afterEach(() => dir[Symbol.dispose]());

/** A lock file for one package, older than whatever is installed after it. */
function lock(version: string): void {
  const content = { 'openclaw.mjs': `// ${version}` };
  const packages = { '': {}, 'node_modules/openclaw': { version, integrity: 'sha512-x', content } };
  writeFileSync(
    join(dir.path, 'package.json'),
    JSON.stringify({ dependencies: { openclaw: version } }),
  );
  writeFileSync(join(dir.path, 'package-lock.json'), JSON.stringify({ packages }));
}

function environment(how: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    npm_execpath: npm,
    FAKE_NPM: how,
    FAKE_NPM_COUNT: join(dir.path, 'count'),
  };
}

function ensure(how = 'ok', abort?: AbortSignal): Promise<boolean> {
  return ensureNpmTree({
    directory: dir.path,
    what: 'OpenClaw 1.0.0',
    env: environment(how),
    progress: recordingProgress(),
    ...(abort === undefined ? {} : { abort }),
  });
}

const installed = (): string =>
  readFileSync(join(dir.path, 'node_modules', 'openclaw', 'openclaw.mjs'), 'utf8');
const runs = (): number => readFileSync(join(dir.path, 'count'), 'utf8').trim().split('\n').length;
const leftOvers = (): string[] => readdirSync(dir.path).filter((name) => name.includes('.part-'));

test('a tree is installed once, and again when its lock file changed', async () => {
  expect(await ensure()).toBe(true);
  expect(await ensure()).toBe(false);
  expect(runs()).toBe(1);
  lock('2.0.0');
  expect(await ensure()).toBe(true);
  expect(installed()).toBe('// 2.0.0');
  expect(leftOvers()).toEqual([]);
});

test('a tree that a person installed with npm is left alone', async () => {
  const past = new Date(Date.now() - 60_000);
  utimesSync(join(dir.path, 'package-lock.json'), past, past);
  mkdirSync(join(dir.path, 'node_modules'));
  writeFileSync(join(dir.path, 'node_modules', '.package-lock.json'), '{}');
  expect(await ensure()).toBe(false);
});

test('an installation that was killed in the middle is repaired by the next one', async () => {
  const program = `
    import { ensureNpmTree } from ${JSON.stringify(join(root, 'src/local/npm-tree.ts'))};
    import { silentProgress } from ${JSON.stringify(join(root, 'src/local/progress.ts'))};
    await ensureNpmTree({ directory: process.argv[1], what: 'x', env: process.env, progress: silentProgress() });`;
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', program, dir.path],
    {
      stdio: 'ignore',
      detached: true,
      env: environment('hang'),
    },
  );
  await eventually(
    () =>
      leftOvers().length === 1 &&
      existsSync(join(dir.path, leftOvers()[0]!, 'node_modules', 'openclaw')),
  );
  process.kill(-child.pid!, 'SIGKILL');
  await eventually(() => child.signalCode === 'SIGKILL');
  expect(existsSync(join(dir.path, 'node_modules'))).toBe(false);

  expect(await ensure()).toBe(true);
  expect(installed()).toBe('// 1.0.0');
  expect(leftOvers()).toEqual([]);
});

test('one that is given up leaves the tree that was there', async () => {
  await ensure();
  lock('2.0.0');
  const giveUp = new AbortController();
  const installing = ensure('hang', giveUp.signal);
  await eventually(() => runs() === 2);
  giveUp.abort();
  await expect(installing).rejects.toMatchObject({ code: 'download-failed' });
  expect(installed()).toBe('// 1.0.0');
  expect(leftOvers()).toEqual([]);
});

test.each([
  ['offline', 'download-failed', 'ENOTFOUND'],
  ['full', 'disk-full', 'ENOSPC'],
])('npm %s: a sentence with what to do, and nothing half installed', async (how, code, word) => {
  await expect(ensure(how)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(new RegExp(`${word}.*run the command again`)),
  });
  expect(existsSync(join(dir.path, 'node_modules'))).toBe(false);
  expect(leftOvers()).toEqual([]);
});

test('two installations at once end with one whole tree', async () => {
  await Promise.all([ensure(), ensureNpmTreeBeside()]);
  expect(installed()).toBe('// 1.0.0');
  expect(await ensure()).toBe(false);
});

/** The second one of two at once, in a process of its own as it would be. */
async function ensureNpmTreeBeside(): Promise<void> {
  const program = `
    import { ensureNpmTree } from ${JSON.stringify(join(root, 'src/local/npm-tree.ts'))};
    import { silentProgress } from ${JSON.stringify(join(root, 'src/local/progress.ts'))};
    await ensureNpmTree({ directory: process.argv[1], what: 'x', env: process.env, progress: silentProgress() });`;
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', program, dir.path],
    {
      stdio: 'ignore',
      env: environment('ok'),
    },
  );
  await eventually(() => child.exitCode === 0, { what: 'the end of the other installation' });
}

test('OpenClaw is repaired when its program vanished from a complete tree', async () => {
  const options = { toolDir: dir.path, env: environment('ok'), progress: recordingProgress() };
  const { entryPath, version } = await ensureOpenClaw(options);
  expect(version).toBe('1.0.0');
  rmSync(entryPath);
  await ensureOpenClaw(options);
  expect(existsSync(entryPath)).toBe(true);
  expect(runs()).toBe(2);
});
