import type { Clock } from '../platform/clock.ts';
import { toCallError } from './call-outcome.ts';
import type { FollowOptions } from './connection.ts';
import { isRecord } from './json-value.ts';
import type { RunEvents } from './run-events.ts';

export interface FollowContext {
  readonly clock: Clock;
  readonly events: RunEvents;
  /** Aborts when the socket drops or another boot answers. */
  readonly connected: AbortSignal;
  /** `agent.wait` for at most this long. */
  readonly wait: (runId: string, timeoutMs: number) => Promise<unknown>;
}

export type FollowResult = { readonly kind: 'ended' | 'unclear' | 'detached' };

/** A pending `agent.wait` is active work for the gateway: it delays its drain, so slices are short. */
const MAX_SLICE_MS = 5000;
/** `agent.wait` cannot tell a running run from an unknown one; a silent run is looked at this often. */
const SILENCE_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/**
 * Waits until the run seems over: an event of its end, or `agent.wait` in slices, whichever comes first. When the
 * same end is reported again and again (the caller's look lags behind), each report comes later than the one before.
 */
export async function followRun(
  options: FollowOptions,
  context: FollowContext,
): Promise<FollowResult> {
  const { clock, events } = context;
  const over = new AbortController();
  const stop = AbortSignal.any([options.signal, context.connected, over.signal]);
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  const sliceMs = Math.max(1, Math.min(options.sliceMs, MAX_SLICE_MS));
  let lastSignAt = clock.monotonic();
  let woken = Promise.withResolvers<void>();
  const unsubscribe = events.on(options.runId, (event) => {
    lastSignAt = clock.monotonic();
    if (event.kind === 'ended') woken.resolve();
  });
  try {
    for (;;) {
      if (options.signal.aborted) return { kind: 'detached' };
      if (context.connected.aborted) return { kind: 'unclear' };
      const reported = events.takeEnd(options.runId);
      if (reported !== null) {
        if (reported > 0) await clock.sleep(pauseMs(reported), stop);
        return { kind: options.signal.aborted ? 'detached' : 'ended' };
      }
      if (clock.monotonic() - lastSignAt >= SILENCE_MS) return { kind: 'unclear' };
      woken = Promise.withResolvers<void>();
      await Promise.race([stopped, woken.promise, askWait(options.runId, sliceMs, stop, context)]);
    }
  } finally {
    unsubscribe();
    over.abort();
  }
}

function pauseMs(reported: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(reported - 1, 10), LONGEST_PAUSE_MS);
}

async function askWait(
  runId: string,
  sliceMs: number,
  stop: AbortSignal,
  context: FollowContext,
): Promise<void> {
  const askedAt = context.clock.monotonic();
  try {
    const answer = await context.wait(runId, sliceMs);
    if (stop.aborted) return;
    if (saysOver(answer)) return context.events.noteEnd(runId);
    // An answer before its time (draining, or nonsense) must not turn the slices into a busy loop.
    const earlyMs = sliceMs - (context.clock.monotonic() - askedAt);
    await context.clock.sleep(Math.min(Math.max(earlyMs, 0), LONGEST_PAUSE_MS), stop);
  } catch (error) {
    // Refused while it drains, starts or is overloaded: the events still come, the next slice asks again.
    const { retryAfterMs } = toCallError('agent.wait', error);
    await context.clock.sleep(Math.min(retryAfterMs ?? sliceMs, sliceMs), stop);
  }
}

/** `timeout` alone is ambiguous (running, queued, unknown, another boot); with `endedAt` the run is over. */
function saysOver(answer: unknown): boolean {
  if (!isRecord(answer)) return false;
  if (answer['status'] === 'ok' || answer['status'] === 'error') return true;
  return answer['status'] === 'timeout' && typeof answer['endedAt'] === 'number';
}
