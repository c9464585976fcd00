/**
 * One directory for everything that a run of the tests writes outside the project: it is TMPDIR for every worker of
 * jest and for whatever they start, and it goes with the run.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'dash-test-run-';
const KEY = Symbol.for('dash.test-run-directory');

interface RunDirectory {
  readonly path: string;
  users: number;
}

/** Makes it, unless another tier's set-up has done so. jest loads each set-up and tear-down as a program of its own. */
export function enterRunDirectory(): void {
  const known = Reflect.get(globalThis, KEY) as RunDirectory | undefined;
  if (known !== undefined) {
    known.users += 1;
    return;
  }
  removeAbandoned(tmpdir());
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // Open to all, as any directory for temporary files: PostgreSQL runs as another user when the tests run as root.
  chmodSync(path, 0o1777);
  process.env['TMPDIR'] = path;
  Reflect.set(globalThis, KEY, { path, users: 1 });
}

/** Removes it when the last tier has been torn down. */
export function leaveRunDirectory(): void {
  const known = Reflect.get(globalThis, KEY) as RunDirectory | undefined;
  if (known === undefined) return;
  known.users -= 1;
  if (known.users > 0) return;
  rmSync(known.path, { recursive: true, force: true, maxRetries: 10 });
  Reflect.deleteProperty(globalThis, KEY);
}

/** A run that was killed removes nothing; the next one does it. Its name says whose it is. */
export function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent).filter((each) => each.startsWith(PREFIX))) {
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!Number.isInteger(pid) || isThere(pid)) continue;
    rmSync(join(parent, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is there, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
