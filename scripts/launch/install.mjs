// Installs a locked tree of packages with `npm ci`, so that an interruption at any moment is noticed
// and repaired by the next start: the stamp of a tree is written after npm ended well, npm itself
// removes the old tree (and stamp) first, and a lock keeps two starts from installing at once.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainCode, explainNpm, SetupError } from './explain.mjs';
import { withInstallLock } from './install-lock.mjs';
import { createSteps } from './steps.mjs';

/** Where the stamp of a complete tree lies: it holds the hash of the lock file that was installed. */
function stampPath(directory) {
  return join(directory, 'node_modules', '.dash-complete');
}

/** Installs `directory` unless it is complete. Answers true when it installed. */
export async function ensureTree({ root, directory, name, what }) {
  if (isComplete(directory)) return false;
  try {
    await withInstallLock({ root, name, what }, async (holdFor) => {
      // Another start may have installed it while this one waited for the lock.
      if (!isComplete(directory)) await install({ directory, what, holdFor });
      writeFileSync(stampPath(directory), lockHash(directory));
    });
  } catch (error) {
    const sentence = explainCode(error?.code, directory);
    throw sentence === undefined ? error : new SetupError(sentence, { cause: error });
  }
  return true;
}

/**
 * Complete = stamped for this lock file; or npm finished (it writes its hidden lock file last) after
 * the lock file was written, as when a person ran npm.
 */
function isComplete(directory) {
  if (readText(stampPath(directory)) === lockHash(directory)) return true;
  const finished = modifiedAt(join(directory, 'node_modules', '.package-lock.json'));
  return finished !== undefined && finished >= (modifiedAt(lockPath(directory)) ?? 0);
}

function lockPath(directory) {
  return join(directory, 'package-lock.json');
}

function lockHash(directory) {
  return createHash('sha256')
    .update(readFileSync(lockPath(directory)))
    .digest('hex');
}

async function install({ directory, what, holdFor }) {
  mkdirSync(join(directory, 'node_modules'), { recursive: true });
  const total = packagesToFetch(directory);
  const step = createSteps(process.stderr).begin(`Installing ${what}`);
  let fetched = 0;
  const outcome = await runNpm({
    directory,
    holdFor,
    onLine: (line) => {
      if (/^npm http (fetch|cache)\b.*\.tgz/.test(line)) step.update((fetched += 1), total);
    },
  });
  if (outcome.code === 0) return step.done(`Installed ${what}`);
  step.fail(`Could not install ${what}`);
  if (outcome.signal !== null) {
    throw new SetupError(
      `The installation was interrupted. Run the same command again; it is repaired then.`,
      {
        exitCode: outcome.signal === 'SIGINT' ? 130 : 143,
      },
    );
  }
  throw new SetupError(
    explainNpm(outcome.output, { what: `Could not install ${what}`, directory }),
  );
}

/** The packages of the lock file that npm fetches for this machine: others are for other platforms. */
function packagesToFetch(directory) {
  const { packages } = JSON.parse(readFileSync(lockPath(directory), 'utf8'));
  const suits = (list, value) =>
    list === undefined ||
    list.includes(value) ||
    (list[0]?.startsWith('!') && !list.includes(`!${value}`));
  return Object.values(packages).filter(
    ({ integrity, os, cpu, libc, inBundle }) =>
      integrity !== undefined &&
      inBundle !== true &&
      suits(os, process.platform) &&
      suits(cpu, process.arch) &&
      suits(libc, 'glibc'),
  ).length;
}

/** Install scripts stay off: nothing Dash needs has one that matters (src/local makes PostgreSQL's links itself). */
function runNpm({ directory, holdFor, onLine }) {
  const args = [
    ...['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    ...['--engine-strict=false', '--no-progress', '--loglevel=http'],
  ];
  const { command, prefix } = npmCommand();
  const child = spawn(command, [...prefix, ...args], {
    cwd: directory,
    env: npmEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && prefix.length === 0,
  });
  if (child.pid !== undefined) holdFor(child.pid);
  let output = '';
  let rest = '';
  const read = (text) => {
    output = (output + text).slice(-200_000);
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    lines.forEach(onLine);
  };
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', read);
  return new Promise((resolve, reject) => {
    // npm gets a terminal's Ctrl-C itself; a SIGTERM is for this process alone and is handed on.
    let asked = null;
    const hand = (signal) => {
      asked = signal;
      child.kill('SIGTERM');
    };
    process.on('SIGTERM', hand).on('SIGINT', hand).on('SIGHUP', hand);
    const leave = () => process.off('SIGTERM', hand).off('SIGINT', hand).off('SIGHUP', hand);
    child.once('error', (cause) => {
      leave();
      const happened =
        cause.code === 'ENOENT' ? 'npm is not installed' : `npm cannot be executed (${cause.code})`;
      reject(
        new SetupError(
          `${happened}. Install it (it comes with Node) and run the same command again.`,
          { cause },
        ),
      );
    });
    child.once('close', (code, signal) => {
      leave();
      resolve({ code, signal: asked ?? signal, output });
    });
  });
}

/** The npm that started this launcher, else the one on PATH. */
function npmCommand() {
  const path = process.env.npm_execpath ?? '';
  if (path.endsWith('npm-cli.js')) return { command: process.execPath, prefix: [path] };
  return { command: 'npm', prefix: [] };
}

/** An npm inside an npm script inherits what the outer one was told about its own package: that is left out. */
function npmEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^npm_(package|lifecycle|command)/.test(name) &&
        !/^npm_config_(local_prefix|loglevel|omit|include|ignore_scripts)$/i.test(name),
    ),
  );
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
