import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { processEnvironment } from '../src/config/process-env.ts';
import { systemClock } from '../src/platform/clock.ts';
import { COMMANDS } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { runCli } from './run-cli.ts';

/**
 * The process of `dashctl`. The first Ctrl-C (or SIGTERM) asks the command to stop, a second one
 * ends it at once.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const interrupted = new AbortController();
  const root = new URL('..', import.meta.url);
  const onSignal = (): void => {
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted);
    interrupted.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  process.stdout.on('error', endOnBrokenPipe);
  process.exitCode = await runCli(
    {
      argv,
      env: processEnvironment(),
      cwd: process.cwd(),
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      clock: systemClock(),
      random: Math.random,
      randomId: randomUUID,
      fetch,
      signal: interrupted.signal,
      dataDir,
    },
    { commands: COMMANDS, version: versionOf(root) },
  );
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}

/** Loaded only when needed: most of the time that a short command takes is loading. */
async function dataDir(flag: string | undefined): Promise<string> {
  const { loadProcessConfig } = await import('../src/config/process-config.ts');
  return loadProcessConfig(flag === undefined ? {} : { dataDir: resolve(flag) }).dataDir;
}

/** `dashctl … | head`: whoever read has enough. */
function endOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

function versionOf(root: URL): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    version: string;
  };
  return version;
}

if (import.meta.main) await main(process.argv.slice(2));
