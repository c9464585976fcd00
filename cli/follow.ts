/**
 * Waits for something at the API to reach an end. Truth is what `read` answers; events only make the
 * next look come sooner, so a lost event costs a moment and never the answer.
 */
import { ApiUnreachable } from '../src/contract/client-errors.ts';
import type { DashClient } from '../src/contract/client.ts';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { duration } from './output/format.ts';

export interface FollowOptions<State> {
  readonly context: CliContext;
  readonly client: DashClient;
  /** What is waited for, in words: `task task-…`. */
  readonly what: string;
  /** Whose events hasten the next look. */
  readonly filter: { readonly task?: string; readonly swarm?: string; readonly gateway?: string };
  readonly read: () => Promise<State>;
  readonly isEnd: (state: State) => boolean;
  /** Called with each state that was read. */
  readonly onState?: (state: State) => void | Promise<void>;
  /** undefined: as long as it takes. */
  readonly timeoutMs?: number | undefined;
}

const LOOK_EVERY_MS = 2_000;
/** Looks closer together than this would only load the API when events come in bursts. */
const LOOK_AT_MOST_EVERY_MS = 100;
/** An API that restarts is back within this; waiting goes on meanwhile. */
const UNREACHABLE_BOUND_MS = 60_000;

/** The first state that is an end. Throws a CliError when the time ran out (exit 3) or the person interrupted (130). */
export async function follow<State>(options: FollowOptions<State>): Promise<State> {
  const { context } = options;
  const timeout = options.timeoutMs === undefined ? [] : [AbortSignal.timeout(options.timeoutMs)];
  const over = AbortSignal.any([context.signal, ...timeout]);
  const done = new AbortController();
  const bell = createBell();
  const events = ring(options, bell, AbortSignal.any([over, done.signal]));
  try {
    return await lookUntilEnd(options, bell, over);
  } finally {
    done.abort();
    await events;
  }
}

async function lookUntilEnd<State>(
  options: FollowOptions<State>,
  bell: Bell,
  over: AbortSignal,
): Promise<State> {
  const { clock } = options.context;
  let lastAnswerAt = clock.monotonic();
  for (;;) {
    if (over.aborted) throw gaveUp(options);
    try {
      const state = await options.read();
      if (clock.monotonic() - lastAnswerAt > LOOK_EVERY_MS * 2)
        options.context.output.note('Dash answers again.');
      lastAnswerAt = clock.monotonic();
      await options.onState?.(state);
      if (options.isEnd(state)) return state;
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      if (clock.monotonic() - lastAnswerAt > UNREACHABLE_BOUND_MS) throw error;
    }
    await clock.sleep(LOOK_AT_MOST_EVERY_MS, over);
    await bell.heard(clock.sleep(LOOK_EVERY_MS - LOOK_AT_MOST_EVERY_MS, over));
  }
}

function gaveUp<State>(options: FollowOptions<State>): CliError {
  const { context, what, timeoutMs } = options;
  if (context.signal.aborted) {
    return new CliError({
      exitCode: EXIT.interrupted,
      code: 'interrupted',
      message: `Interrupted; ${what} goes on.`,
    });
  }
  return new CliError({
    exitCode: EXIT.unreachable,
    code: 'wait-timed-out',
    message: `${what} did not reach its end within ${duration(timeoutMs ?? 0)}; it goes on.`,
    hint: 'Wait again, or give more time with --timeout.',
  });
}

/** Something that may have happened while nobody listened: the next listener hears it at once. */
interface Bell {
  ring(): void;
  heard(orElse: Promise<unknown>): Promise<void>;
}

function createBell(): Bell {
  let rung = Promise.withResolvers<void>();
  return {
    ring: () => rung.resolve(),
    heard: async (orElse) => {
      await Promise.race([rung.promise, orElse]);
      rung = Promise.withResolvers<void>();
    },
  };
}

async function ring<State>(
  options: FollowOptions<State>,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const _event of options.client.events({ ...options.filter, signal })) bell.ring();
  } catch {
    // Without events (a key without events:read, an API that refuses streams) looking goes on by the clock.
  }
}
