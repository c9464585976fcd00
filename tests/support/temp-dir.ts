/** Directories that vanish with their test. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A new directory, open to all users (PostgreSQL runs as another one when the tests run as root).
 * `using dir = tempDir()` removes it at the end of the block.
 */
export function tempDir(name = 'dash-test-'): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), name));
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
