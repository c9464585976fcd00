// Chooses the Node that runs Dash: the current one when package.json allows it, otherwise the locked
// one of tools/node, installed when it is missing or half installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './explain.mjs';
import { ensureTree } from './install.mjs';
import { satisfies } from './node-range.mjs';

/** Answers the absolute path of a suitable Node. */
export async function ensureNode(root, platform = `${process.platform}-${process.arch}`) {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  if (satisfies(process.versions.node, wanted)) return process.execPath;

  const directory = join(root, 'tools', 'node');
  const tool = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const name = packageFor(platform);
  const version = tool.optionalDependencies[name];
  if (version === undefined) {
    const best = readFileSync(join(root, '.nvmrc'), 'utf8').trim();
    throw new SetupError(
      `Dash needs Node ${wanted}, this is Node ${process.versions.node}, and there is none to fetch for ${platform}. Install Node ${best} (for example with "nvm install", which reads .nvmrc) and run the command again.`,
    );
  }
  const binary = join(directory, 'node_modules', name, binaryPath(platform));
  if (!existsSync(binary)) removeTree(directory);
  const isNew = await ensureTree({
    root,
    directory,
    name: 'node',
    what: `Node ${version} (this is Node ${process.versions.node}; Dash needs ${wanted})`,
  });
  if (isNew) verify({ binary, version, directory });
  return binary;
}

function packageFor(platform) {
  return `node-${platform.replace(/^win32-/, 'win-')}`;
}

function binaryPath(platform) {
  return platform.startsWith('win32-') ? join('bin', 'node.exe') : join('bin', 'node');
}

function verify({ binary, version, directory }) {
  const { stdout, error } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  if (error === undefined && stdout.trim() === `v${version}`) return;
  removeTree(directory);
  throw new SetupError(
    `The fetched Node ${version} does not run on this machine (${error?.code ?? (stdout.trim() || 'no answer')}). It is built for glibc systems: on others (Alpine) install Node ${version} with the system's package manager and run the command again.`,
  );
}

/** A tree that lacks its program, or holds one that does not run, is no tree: the next look installs it anew. */
function removeTree(directory) {
  rmSync(join(directory, 'node_modules'), { recursive: true, force: true });
}
