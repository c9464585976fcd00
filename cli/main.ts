import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DashConfig } from '../src/config/load.ts';
import { processEnvironment } from '../src/config/process-env.ts';
import { projectDir } from '../src/config/project-dir.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { Command } from './command.ts';
import { COMMANDS } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { listenForInterruption } from './interruption.ts';
import { runCli } from './run-cli.ts';

/** The process of `dashctl`: everything that the commands may not know of themselves comes from here. */
export async function main(
  argv: readonly string[],
  commands: readonly Command[] = COMMANDS,
): Promise<void> {
  const clock = systemClock();
  const interruption = listenForInterruption({ process, clock });
  process.stdout.on('error', endOnBrokenPipe);
  process.exitCode = await runCli(
    {
      argv,
      version: ownVersion(),
      env: processEnvironment(),
      cwd: process.cwd(),
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      clock,
      random: Math.random,
      randomId: randomUUID,
      fetch,
      signal: interruption.signal,
      loadConfig,
    },
    { commands },
  );
  interruption.stop();
}

/** Loaded only when needed: most of the time that a short command takes is loading. */
async function loadConfig({ dataDir }: { readonly dataDir?: string }): Promise<DashConfig> {
  const { loadProcessConfig } = await import('../src/config/process-config.ts');
  // A directory on the command line counts from where the person stands.
  return loadProcessConfig(dataDir === undefined ? {} : { dataDir: resolve(dataDir) });
}

/** `dashctl … | head`: whoever read has enough. */
function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

function ownVersion(): string {
  const text = readFileSync(join(projectDir(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

if (import.meta.main) {
  await main(process.argv.slice(2));
  // Not left to Node: once the bundler has run, Node 24 may wait for ever at its end, with a busy processor.
  process.exit();
}
