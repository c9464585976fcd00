import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const PROJECT_DIR = join(import.meta.dirname, '../..');

/** A small tree with this project's own rules in it, where files can be planted that break them. */
export interface PlantedTree {
  readonly dir: string;
  /** Runs a tool of the project (a name in node_modules/.bin) in the tree; answers what it printed. */
  run(tool: string, args: readonly string[]): { code: number | null; output: string };
  remove(): void;
}

/**
 * Plants `files` (path → text) beside copies of `configs`. `packages` are stand-ins for libraries:
 * empty modules, enough for the import graph; `'real'` links the installed ones instead.
 */
export function plantTree(options: {
  files: Readonly<Record<string, string>>;
  configs: readonly string[];
  packages: readonly string[] | 'real';
}): PlantedTree {
  const dir = mkdtempSync(join(tmpdir(), 'dash-fence-'));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  for (const config of options.configs) cpSync(join(PROJECT_DIR, config), join(dir, config));
  for (const [path, text] of Object.entries(options.files)) write(path, text);
  if (options.packages === 'real') {
    symlinkSync(join(PROJECT_DIR, 'node_modules'), join(dir, 'node_modules'));
  } else {
    for (const name of options.packages) {
      write(
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, type: 'module', main: 'index.js' }),
      );
      write(`node_modules/${name}/index.js`, 'export {};');
    }
  }
  return {
    dir,
    run(tool, args) {
      const bin = join(PROJECT_DIR, 'node_modules', '.bin', tool);
      const env = {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      };
      const { status, stdout, stderr } = spawnSync(bin, [...args], {
        cwd: dir,
        env,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      return { code: status, output: `${stdout}${stderr}` };
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
