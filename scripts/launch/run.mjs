// Runs the verb's program with inherited terminal, hands signals and the exit code through, and ties
// its life to this process: whoever kills the launcher, even with SIGKILL, has ended the program too.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { SetupError } from './explain.mjs';

/** A terminal sends Ctrl-C to everyone in its foreground, and npm hands it on once more: one keystroke, several signals. */
const SAME_KEYSTROKE_MS = 1_000;
const LOOK_FOR_NPM_MS = 1_000;

/** Runs `node args…` and answers its exit code (128 + number after a signal). */
export function runProgram({ node, args, cwd }) {
  const path =
    node === process.execPath
      ? process.env.PATH
      : `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  const lifeline = new URL('lifeline.mjs', import.meta.url);
  const child = spawn(node, ['--import', lifeline.href, ...args], {
    cwd,
    env: { ...process.env, PATH: path, DASH_LIFELINE_FD: '3' },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const handed = new Map();
  const hand = (signal) => {
    const now = performance.now();
    if (now - (handed.get(signal) ?? -Infinity) < SAME_KEYSTROKE_MS) return;
    handed.set(signal, now);
    child.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, hand);
  const watch = endWithNpm();
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      clearInterval(watch);
      reject(
        new SetupError(
          `${node} cannot be executed (${error.code}). Remove ${dirname(dirname(node))} and run the same command again; it is fetched anew.`,
        ),
      );
    });
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** npm waits for this launcher: when it is gone it was killed, and nobody is left who wants the program. */
function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== npm) process.kill(process.pid, 'SIGKILL');
  }, LOOK_FOR_NPM_MS);
  return timer.unref();
}
