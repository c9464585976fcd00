/** Makes sure of the OpenClaw that Dash starts and manages: the locked tree of tools/openclaw, on demand. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LocalError } from './local-error.ts';
import { ensureNpmTree } from './npm-tree.ts';
import type { Progress } from './progress.ts';

export interface OpenClawPackage {
  /** The program to run with Node: `node <entryPath> gateway run …`. */
  readonly entryPath: string;
  readonly version: string;
}

const manifestShape = z.object({ version: z.string() });
const toolShape = z.object({ dependencies: z.object({ openclaw: z.string() }) });

/** Installs OpenClaw when it is absent, outdated or half installed (300 MB to fetch, 650 MB on disk). */
export async function ensureOpenClaw(options: {
  /** tools/openclaw of the project. */
  toolDir: string;
  env: NodeJS.ProcessEnv;
  progress: Progress;
  abort?: AbortSignal;
}): Promise<OpenClawPackage> {
  const { toolDir } = options;
  const { openclaw: wanted } = toolShape.parse(
    readJson(join(toolDir, 'package.json')),
  ).dependencies;
  const packageDir = join(toolDir, 'node_modules', 'openclaw');
  const entryPath = join(packageDir, 'openclaw.mjs');
  // A tree without its program was damaged after it was complete: it is made anew.
  if (!existsSync(entryPath))
    rmSync(join(toolDir, 'node_modules'), { recursive: true, force: true });
  await ensureNpmTree({ ...options, directory: toolDir, what: `OpenClaw ${wanted}` });

  const { version } = manifestShape.parse(readJson(join(packageDir, 'package.json')));
  if (version === wanted) return { entryPath, version };
  throw new LocalError({
    code: 'openclaw-unavailable',
    happened: `${packageDir} holds OpenClaw ${version}, and this version of Dash was made for ${wanted}.`,
    toDo: `Remove ${join(toolDir, 'node_modules')} and run the command again; the right one is fetched then.`,
  });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}
