/** Runs a short helper program to its end (pip, npm, go, `temporal --version`) within a bound. */
import { spawn } from 'node:child_process';
import { systemErrorCode } from './local-error.ts';
import { signal } from './process-record.ts';
import { descendantsOf } from '../platform/processes.ts';

/** `kind: 'missing'` = there is no such program; a non-zero `code` is an ordinary answer, not an error. */
export type CommandOutcome =
  | { kind: 'ended'; code: number; stdout: string; stderr: string }
  | { kind: 'missing' }
  | { kind: 'timed-out'; stdout: string; stderr: string };

const KEPT_CHARACTERS = 65_536;

/**
 * Runs `command` and collects the end of what it prints (64 KiB of each stream). After `timeoutMs`,
 * or when `abort` fires, it and its helpers are killed: `timed-out`. `onOutput` sees each piece as
 * it comes, for progress. The program stays in the terminal's foreground group: Ctrl-C reaches it.
 */
export async function runCommand(options: {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  cwd?: string;
  account?: { uid: number; gid: number };
  abort?: AbortSignal;
  onOutput?: (text: string) => void;
}): Promise<CommandOutcome> {
  const child = spawn(options.command, [...options.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.account,
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] = (printed[name] + text).slice(-KEPT_CHARACTERS);
      options.onOutput?.(text);
    });
  }

  const bound = AbortSignal.any([
    AbortSignal.timeout(options.timeoutMs),
    ...(options.abort === undefined ? [] : [options.abort]),
  ]);
  return new Promise((resolve, reject) => {
    const kill = (): void => {
      if (child.pid === undefined) return;
      const all = [child.pid, ...descendantsOf(child.pid).map(({ pid }) => pid)];
      for (const pid of all) signal(pid, 'SIGKILL');
    };
    const settle = (outcome: CommandOutcome): void => {
      bound.removeEventListener('abort', kill);
      resolve(outcome);
    };
    bound.addEventListener('abort', kill, { once: true });
    if (bound.aborted) kill();
    child.once('error', (error) => {
      const code = systemErrorCode(error);
      if (code === 'ENOENT' || code === 'EACCES') settle({ kind: 'missing' });
      else reject(error);
    });
    child.once('close', (code) => {
      if (bound.aborted) settle({ kind: 'timed-out', ...printed });
      else settle({ kind: 'ended', code: code ?? 1, ...printed });
    });
  });
}
