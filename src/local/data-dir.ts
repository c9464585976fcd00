/**
 * The directory that holds everything of one installation on one machine. Guarantees: it exists and
 * can be written; one launcher at a time has it (the kernel gives the lock back when its holder dies,
 * however it dies); it has an id that stays the same for ever and names the host (P32).
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { ProcessHome } from './child.ts';
import { explainFileError, LocalError, systemErrorCode } from './local-error.ts';
import { currentMachineBootId, identityOf } from '../platform/processes.ts';

export interface DataDir {
  readonly path: string;
  /** Random, made with the directory, kept for ever. */
  readonly id: string;
  /** Where this launch records its processes; left-overs of earlier launches are recorded there too. */
  readonly home: ProcessHome;
  /** The mark of the launch that had the directory last, to find what it left behind (P37). */
  readonly previousLaunchId: string | undefined;
  /** Tells a second start where this one answers. */
  announce(apiUrl: string): void;
  /** Gives the directory back. Call it last: a next start may come at once. */
  release(): Promise<void>;
}

const holderShape = z.object({
  pid: z.int().positive(),
  launchId: z.string(),
  apiUrl: z.string().optional(),
});
type Holder = z.infer<typeof holderShape>;

/** Takes the directory, or throws `data-dir-in-use`, `not-writable`, `disk-full`, with what to do. */
export async function openDataDir(options: { path: string }): Promise<DataDir> {
  const path = resolve(options.path);
  // Without /proc nothing here can be guaranteed: say so before anything is written.
  if (currentMachineBootId() === undefined) throw unsupportedPlatform();
  const id = prepare(path);
  const holderFile = join(path, 'launcher.json');
  const lock = await takeLock(id);
  const earlier = readHolder(holderFile);
  if (lock === undefined) throw inUse(path, readRunning(path));

  const holder: Holder = { pid: process.pid, launchId: randomBytes(8).toString('hex') };
  try {
    writeWhole(holderFile, holder);
  } catch (error) {
    lock.close();
    throw explainFileError(error, path);
  }
  return {
    path,
    id,
    home: { recordsDir: join(path, 'processes'), launchId: holder.launchId },
    previousLaunchId: earlier?.launchId,
    announce: (apiUrl) => writeWhole(holderFile, { ...holder, apiUrl }),
    async release() {
      rmSync(holderFile, { force: true });
      await new Promise((done) => lock.close(done));
    },
  };
}

/** A launcher at work on a data directory; no `apiUrl` = it is still starting. */
export interface Running {
  readonly pid: number;
  readonly apiUrl: string | undefined;
}

/** Who has this directory now, without taking it: undefined = nobody. */
export function readRunning(path: string): Running | undefined {
  const holder = readHolder(join(resolve(path), 'launcher.json'));
  if (holder === undefined || identityOf(holder.pid) === undefined) return undefined;
  return { pid: holder.pid, apiUrl: holder.apiUrl };
}

function prepare(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    const probe = join(path, `.write-probe-${process.pid}`);
    writeFileSync(probe, 'x'.repeat(4096));
    rmSync(probe);
    return ensureId(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTDIR' || systemErrorCode(error) === 'EEXIST') {
      throw new LocalError({
        code: 'not-writable',
        happened: `${path} is not a directory, or part of it is a file.`,
        toDo: 'Name another data directory with DASH_DATA_DIR.',
        cause: error,
      });
    }
    throw explainFileError(error, path);
  }
}

/** Two first starts at once must agree on one id: the first link wins, both read it. */
function ensureId(path: string): string {
  const file = join(path, 'id');
  const own = `${file}.${process.pid}`;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  writeFileSync(own, `${randomBytes(10).toString('hex')}\n`);
  try {
    linkSync(own, file);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(own, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}

/**
 * The lock is a name in the kernel (an abstract socket): taking it is atomic, and there is nothing
 * stale to take over, since it ends with its process. Undefined = somebody has it.
 */
async function takeLock(id: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((settle, reject) => {
    server.once('error', (error) => {
      if (systemErrorCode(error) === 'EADDRINUSE') settle(undefined);
      else reject(error);
    });
    server.listen({ path: `\0dash-data-${id}` }, () => {
      server.unref();
      settle(server);
    });
  });
}

function inUse(path: string, holder: Running | undefined): LocalError {
  const who = holder === undefined ? '' : ` (pid ${holder.pid})`;
  const where =
    holder?.apiUrl === undefined
      ? 'It is still starting, or has no API yet.'
      : `Its API is at ${holder.apiUrl}.`;
  return new LocalError({
    code: 'data-dir-in-use',
    happened: `Dash is already running on the data directory ${path}${who}. ${where}`,
    toDo: 'Use that one with dashctl, end it first, or name another directory with DASH_DATA_DIR.',
  });
}

function readHolder(file: string): Holder | undefined {
  try {
    return holderShape.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function writeWhole(file: string, content: Holder): void {
  writeFileSync(`${file}.part`, JSON.stringify(content));
  renameSync(`${file}.part`, file);
}

function unsupportedPlatform(): LocalError {
  return new LocalError({
    code: 'unsupported-platform',
    happened: 'This machine has no /proc, so Dash cannot tell its own processes from others.',
    toDo: 'Run Dash on Linux (x64 or arm64), or in a Linux container or virtual machine.',
  });
}
