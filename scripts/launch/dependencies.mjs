// Makes sure that node_modules is what package-lock.json says.
import { ensureTree } from './install.mjs';

/** Installs the dependencies when they are missing, older than the lock file or half installed. */
export async function ensureDependencies(root) {
  await ensureTree({
    root,
    directory: root,
    name: 'dependencies',
    what: 'the dependencies of Dash',
  });
}
