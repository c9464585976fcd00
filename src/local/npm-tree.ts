/**
 * Installs a locked tree of npm packages beside its place and moves it there whole. A tree that is
 * in place and bears the stamp of its lock file is complete; an installation that was interrupted
 * left only a work directory, which the next one removes. Install scripts never run.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { explainFileError, LocalError, systemErrorCode } from './local-error.ts';
import { identityOf, isLiving } from '../platform/processes.ts';
import type { Progress, ProgressStep } from './progress.ts';
import { runCommand } from './run-command.ts';

const INSTALL_TIMEOUT_MS = 15 * 60_000;
const STAMP = '.dash-complete';
const WORK_DIR = /^node_modules\.part-(\d+)-(\d+)$/;

export interface NpmTreeOptions {
  /** Holds `package.json` and `package-lock.json`; the packages go into its `node_modules`. */
  readonly directory: string;
  /** For people, as in "OpenClaw 2026.9.6". */
  readonly what: string;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  readonly abort?: AbortSignal;
}

/**
 * Makes sure of the tree; answers true when it had to be installed. Throws a LocalError
 * (`download-failed`, `disk-full`, `not-writable`) after which the same call starts afresh.
 */
export async function ensureNpmTree(options: NpmTreeOptions): Promise<boolean> {
  const { directory, what } = options;
  if (isComplete(directory)) return false;
  const step = options.progress.step(`Installing ${what}`);
  try {
    removeAbandoned(directory);
    await install(options, step);
    step.done(`Installed ${what}`);
    return true;
  } catch (error) {
    step.fail(`Could not install ${what}`);
    throw explainFileError(error, directory);
  }
}

/** Stamped for this lock file, or finished by a person's own npm (its hidden lock file is written last) after it. */
function isComplete(directory: string): boolean {
  const installed = join(directory, 'node_modules');
  try {
    if (readFileSync(join(installed, STAMP), 'utf8') === lockHash(directory)) return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  const finished = statSync(join(installed, '.package-lock.json'), { throwIfNoEntry: false });
  return finished !== undefined && finished.mtimeMs >= statSync(lockPath(directory)).mtimeMs;
}

async function install(options: NpmTreeOptions, step: ProgressStep): Promise<void> {
  const { directory } = options;
  const own = identityOf(process.pid);
  const workDir = join(directory, `node_modules.part-${process.pid}-${own?.startTicks ?? 0}`);
  try {
    mkdirSync(workDir);
    for (const name of ['package.json', 'package-lock.json']) {
      cpSync(join(directory, name), join(workDir, name));
    }
    await runNpm(options, workDir, step);
    writeFileSync(join(workDir, 'node_modules', STAMP), lockHash(directory));
    putInPlace(join(workDir, 'node_modules'), directory);
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function runNpm(options: NpmTreeOptions, cwd: string, step: ProgressStep): Promise<void> {
  const total = packagesToFetch(cwd);
  const npm = npmCommand(options.env);
  let fetched = 0;
  const outcome = await runCommand({
    command: npm.command,
    args: [
      ...npm.prefix,
      ...['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=http'],
    ],
    cwd,
    env: npmEnvironment(options.env),
    timeoutMs: INSTALL_TIMEOUT_MS,
    onOutput: (text) => {
      fetched += text.match(/^npm http (fetch|cache)\b.*\.tgz/gm)?.length ?? 0;
      step.update(fetched, { total });
    },
    ...(options.abort === undefined ? {} : { abort: options.abort }),
  });
  if (outcome.kind === 'ended' && outcome.code === 0) return;
  const said =
    outcome.kind === 'missing'
      ? 'npm is not installed'
      : `npm ${outcome.kind === 'timed-out' ? 'did not finish' : 'failed'}: ${lastWords(outcome.stderr)}`;
  throw new LocalError({
    code: /\b(ENOSPC|EDQUOT)\b|no space left/i.test(said) ? 'disk-full' : 'download-failed',
    happened: `${options.what} could not be installed into ${options.directory}: ${said}.`,
    toDo: 'Check the network, the free disk space (2 GB) and the registry settings of npm ("npm config list"), then run the command again; it is repaired then.',
  });
}

/** Moves the new tree in; an old one steps aside first. When another start was quicker, its tree stays. */
function putInPlace(tree: string, directory: string): void {
  const place = join(directory, 'node_modules');
  const aside = join(tree, '..', 'replaced');
  if (isComplete(directory)) return;
  try {
    renameSync(place, aside);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  try {
    renameSync(tree, place);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOTEMPTY' || !isComplete(directory)) throw error;
  }
}

/** Removes the work directories of processes that are gone. */
function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, pid, startTicks] = WORK_DIR.exec(name) ?? [];
    if (pid === undefined || startTicks === undefined) continue;
    const current = identityOf(Number(pid));
    const isAtWork =
      current !== undefined && isLiving({ ...current, startTicks: Number(startTicks) });
    if (!isAtWork) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

const lockShape = z.object({
  packages: z.record(
    z.string(),
    z.object({
      integrity: z.string().optional(),
      os: z.array(z.string()).optional(),
      cpu: z.array(z.string()).optional(),
      libc: z.array(z.string()).optional(),
      inBundle: z.boolean().optional(),
    }),
  ),
});

/** How many packages npm fetches for this machine, for the bar: the others are for other platforms. */
function packagesToFetch(directory: string): number {
  const { packages } = lockShape.parse(JSON.parse(readFileSync(lockPath(directory), 'utf8')));
  return Object.values(packages).filter(
    ({ integrity, inBundle, os, cpu, libc }) =>
      integrity !== undefined &&
      inBundle !== true &&
      suits(os, process.platform) &&
      suits(cpu, process.arch) &&
      suits(libc, 'glibc'),
  ).length;
}

function suits(list: readonly string[] | undefined, value: string): boolean {
  if (list === undefined || list.includes(value)) return true;
  return list.some((entry) => entry.startsWith('!')) && !list.includes(`!${value}`);
}

/** The npm that an npm script was started by, else the one on PATH. */
function npmCommand(env: NodeJS.ProcessEnv): { command: string; prefix: string[] } {
  const path = env['npm_execpath'] ?? '';
  if (path.endsWith('npm-cli.js')) return { command: process.execPath, prefix: [path] };
  return { command: 'npm', prefix: [] };
}

/** What an outer npm says about its own package and command line is not meant for this tree. */
function npmEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForeign =
    /^npm_(package|lifecycle|command)|^npm_config_(local_prefix|loglevel|omit|include|ignore_scripts)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForeign.test(name)));
}

function lastWords(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^npm (http|warn)/.test(line))
    .slice(-6)
    .join(' / ');
}

function lockPath(directory: string): string {
  return join(directory, 'package-lock.json');
}

function lockHash(directory: string): string {
  return createHash('sha256')
    .update(readFileSync(lockPath(directory)))
    .digest('hex');
}
