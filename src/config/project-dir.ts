import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of this installation of Dash (the one with package.json), from source and from `dist`. */
export function projectDir(): string {
  let dir = import.meta.dirname;
  while (!existsSync(join(dir, 'package.json'))) {
    const parent = dirname(dir);
    if (parent === dir)
      throw new Error('The package.json of Dash is missing beside its code: install it again.');
    dir = parent;
  }
  return dir;
}
