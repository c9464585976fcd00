/** Runs a short helper program to its end (pip, npm, go, `temporal --version`) within a bound. */
import { spawn } from 'node:child_process';
import { systemErrorCode } from './local-error.ts';

/** `kind: 'missing'` = there is no such program; a non-zero `code` is an ordinary answer, not an error. */
export type CommandOutcome =
  | { kind: 'ended'; code: number; stdout: string; stderr: string }
  | { kind: 'missing' }
  | { kind: 'timed-out'; stdout: string; stderr: string };

/**
 * Runs `command` and collects what it prints (at most the last 64 KiB of each stream). After
 * `timeoutMs` it and its helpers are killed. `onOutput` sees each piece as it comes, for progress.
 */
export async function runCommand(options: {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  timeoutMs: number;
  cwd?: string;
  account?: { uid: number; gid: number };
  onOutput?: (text: string) => void;
}): Promise<CommandOutcome> {
  const child = spawn(options.command, [...options.args], {
    // A group of its own, so that a time-out reaches its helpers too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.account,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-65_536);
    options.onOutput?.(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-65_536);
    options.onOutput?.(text);
  });

  return new Promise((resolve, reject) => {
    let hasTimedOut = false;
    const timer = setTimeout(() => {
      hasTimedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, options.timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      const code = systemErrorCode(error);
      if (code === 'ENOENT' || code === 'EACCES') resolve({ kind: 'missing' });
      else reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (hasTimedOut) resolve({ kind: 'timed-out', stdout, stderr });
      else resolve({ kind: 'ended', code: code ?? 1, stdout, stderr });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
