/**
 * Completes package-lock.json after `npm install`. A registry that does not carry every platform
 * package makes npm leave those out of the lock file, and `npm ci` then refuses the file on every
 * machine. This adds each optional package that a locked one names and the lock file lacks, with the
 * platform that its name says, so that npm knows it and passes it over elsewhere.
 *
 *   node scripts/complete-lock.ts [path of a package-lock.json]
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The part of a lock file that matters here. */
export interface LockFile {
  packages: Record<string, LockedPackage>;
}

const SYSTEMS = 'darwin win32 linux freebsd netbsd openbsd android openharmony aix sunos'.split(
  ' ',
);
const PROCESSORS = 'arm64 x64 ia32 ppc64 riscv64 s390x loong64 mips64el wasm32 arm'.split(' ');

/** The optional packages that a locked one names and that are nowhere it would look. */
export function missingOptionals(
  lock: LockFile,
): { name: string; version: string; dev: boolean }[] {
  const missing = new Map<string, { name: string; version: string; dev: boolean }>();
  for (const [path, { optionalDependencies = {}, dev = false }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!isLocked(lock, path, name)) missing.set(name, { name, version, dev });
    }
  }
  return [...missing.values()];
}

/** Adds what is missing to `lock`; throws when a name does not say its platform. Answers what it added. */
export function completeLock(lock: LockFile): string[] {
  const added = missingOptionals(lock);
  for (const { name, version, dev } of added) {
    const { os, cpu, libc } = platformOf(name);
    if (os === undefined && cpu === undefined) {
      throw new Error(
        `${name} is missing in the lock file and its name says no platform: add it by hand.`,
      );
    }
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu === undefined ? {} : { cpu: [cpu] }),
      ...(dev ? { dev } : {}),
      ...(libc === undefined ? {} : { libc: [libc] }),
      optional: true,
      ...(os === undefined ? {} : { os: [os] }),
    };
  }
  const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  return added.map(({ name }) => name);
}

function isLocked(lock: LockFile, path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined)
      return true;
    if (at === '') return false;
  }
}

/** What a name like `@x/binding-linux-arm-gnueabihf` says about the machines the package is for. */
function platformOf(name: string): {
  os?: string | undefined;
  cpu?: string | undefined;
  libc?: string | undefined;
} {
  const words = name.replace(/^@[^/]*\//, '').split(/[-.]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (os !== 'linux') return { os, cpu };
  if (words.some((word) => word.startsWith('musl'))) return { os, cpu, libc: 'musl' };
  return { os, cpu, libc: words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined };
}

if (import.meta.main) {
  const path = process.argv[2] ?? 'package-lock.json';
  const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile;
  const added = completeLock(lock);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${added.length} platform packages added to ${path}`);
}
