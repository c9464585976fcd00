import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/**
 * The ordered end of a process. What was started last ends first; each end has a bound, a failed or
 * slow one is logged by name and never keeps the others from ending; after the deadline of the whole
 * everything that is left is still told to end, without being waited for.
 */
export interface Lifecycle {
  /** Aborts when the end begins: waits and loops that hold nothing may simply stop. */
  readonly ending: AbortSignal;
  /**
   * Remembers how `what` ends. Registered after the end has begun, it ends at once. `withinMs` is its
   * own bound; without one it may use what is left of the deadline.
   */
  onEnd(what: string, end: () => Promise<void> | void, options?: { withinMs?: number }): void;
  /** Ends everything, once; later calls wait for the same end. Never rejects. */
  end(reason: string): Promise<EndReport>;
}

/** What went wrong while ending, by name; both empty after a clean end. */
export interface EndReport {
  readonly failed: readonly string[];
  readonly late: readonly string[];
}

/** Makes the lifecycle of one process; `deadlineMs` bounds the whole end. */
export function createLifecycle(options: {
  log: Logger;
  clock: Clock;
  deadlineMs: number;
}): Lifecycle {
  const { log, clock, deadlineMs } = options;
  const stack = new AsyncDisposableStack();
  const ending = new AbortController();
  const failed: string[] = [];
  const late: string[] = [];
  const latecomers: Promise<void>[] = [];
  let deadlineAt = 0;
  let ended: Promise<EndReport> | undefined;

  const endOne = async (
    what: string,
    end: () => Promise<void> | void,
    withinMs: number,
  ): Promise<void> => {
    const leftMs = Math.max(0, deadlineAt - clock.monotonic());
    try {
      const isDone = await settlesWithin(clock, Math.min(withinMs, leftMs), end);
      if (isDone) return;
      late.push(what);
      log.warn({ what }, 'did not end in time; going on without it');
    } catch (error) {
      failed.push(what);
      log.error({ what, err: error }, 'failed to end');
    }
  };

  return {
    ending: ending.signal,
    onEnd(what, end, { withinMs = Infinity } = {}) {
      if (ended === undefined) stack.defer(() => endOne(what, end, withinMs));
      else latecomers.push(endOne(what, end, withinMs));
    },
    end(reason) {
      ended ??= (async () => {
        deadlineAt = clock.monotonic() + deadlineMs;
        log.info({ reason }, 'ending');
        ending.abort(reason);
        await stack.disposeAsync();
        await Promise.all(latecomers);
        log.info({ failed, late }, 'ended');
        return { failed, late };
      })();
      return ended;
    },
  };
}

/** The part of `process` that signals need; tests hand in their own. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
  exit(code: number): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const EXIT_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The first SIGINT or SIGTERM calls `onFirst`; a second one ends the process at once (P34), with the
 * exit code that shells use for the signal. Answers a function that stops listening.
 */
export function onSignals(options: {
  onFirst: (signal: 'SIGINT' | 'SIGTERM') => void;
  process: SignalSource;
}): () => void {
  let isFirst = true;
  const listeners = SIGNALS.map((signal) => ({
    signal,
    listener: () => {
      if (!isFirst) return options.process.exit(EXIT_CODE[signal]);
      isFirst = false;
      options.onFirst(signal);
    },
  }));
  for (const { signal, listener } of listeners) options.process.on(signal, listener);
  return () => {
    for (const { signal, listener } of listeners) options.process.off(signal, listener);
  };
}

/**
 * Runs one process of Dash: `start` starts it and registers its ends; then it lives until a signal or
 * until `ending` is asked for by `fail`. Exits 0 after an orderly end, 1 when the start failed, the
 * process failed, or its end was not clean.
 */
export async function runProcess(options: {
  log: Logger;
  clock: Clock;
  deadlineMs: number;
  process: SignalSource;
  start: (lifecycle: Lifecycle, fail: (error: unknown) => void) => Promise<void>;
}): Promise<void> {
  const { log } = options;
  const lifecycle = createLifecycle(options);
  const { promise: over, resolve: finish } = Promise.withResolvers<{
    reason: string;
    isFailure: boolean;
  }>();
  const fail = (error: unknown): void => {
    log.fatal({ err: error }, error instanceof Error ? error.message : 'the process failed');
    finish({ reason: 'failure', isFailure: true });
  };
  onSignals({
    onFirst: (signal) => finish({ reason: signal, isFailure: false }),
    process: options.process,
  });
  // A signal during a long start ends it too: what it has started so far is registered.
  options.start(lifecycle, fail).catch(fail);
  const { reason, isFailure } = await over;
  const { failed, late } = await lifecycle.end(reason);
  options.process.exit(isFailure || failed.length + late.length > 0 ? 1 : 0);
}

async function settlesWithin(
  clock: Clock,
  withinMs: number,
  run: () => Promise<void> | void,
): Promise<boolean> {
  const settled = new AbortController();
  const running = (async () => run())().then(() => true);
  if (withinMs === Infinity) return running;
  const timedOut = clock.sleep(withinMs, settled.signal).then(() => false);
  // Whoever loses the race may still fail later; that is logged nowhere, but must not end the process.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, timedOut]);
  } finally {
    settled.abort();
  }
}
