import type { Clock } from '../src/platform/clock.ts';
import { EXIT } from './exit-codes.ts';

/** The part of `process` that interruption needs. */
export interface InterruptedProcess {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * One keystroke brings several signals: the terminal sends Ctrl-C to everyone in its foreground, and
 * npm and the launcher hand it on. Only one that comes later than this was meant as a second one.
 */
const SAME_KEYSTROKE_MS = 1_000;

/**
 * The first Ctrl-C, SIGTERM or closed terminal aborts the signal: the command ends in order. A second
 * one ends the process at once (P34).
 */
export function listenForInterruption(options: {
  process: InterruptedProcess;
  clock: Pick<Clock, 'monotonic'>;
}): { readonly signal: AbortSignal; stop(): void } {
  const { process, clock } = options;
  const interrupted = new AbortController();
  let firstAt = 0;
  const listener = (): void => {
    if (!interrupted.signal.aborted) {
      firstAt = clock.monotonic();
      interrupted.abort();
    } else if (clock.monotonic() - firstAt >= SAME_KEYSTROKE_MS) {
      process.exit(EXIT.interrupted);
    }
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    signal: interrupted.signal,
    stop: () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
