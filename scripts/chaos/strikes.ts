import type { Clock } from '../../src/platform/clock.ts';
import type { Part, PartKind } from './part.ts';
import { createRandom } from './random.ts';

/** One blow against one process. Planned from the seed; the machine decides in which instant of the work it falls. */
export interface Strike {
  readonly act: 'kill' | 'freeze';
  readonly kind: PartKind;
  /** Which one of its kind, counted round. */
  readonly nth: number;
  /** It falls when this share of the work has been answered, even if earlier victims are still down. */
  readonly atProgress: number;
  /** How long the victim stays dead or frozen. */
  readonly pauseMs: number;
}

/** What became of a strike. */
export interface StrikeReport {
  readonly act: Strike['act'];
  readonly part: string;
  readonly atMs: number;
  readonly pauseMs: number;
  readonly progress: number;
}

const BLOWS = [
  { act: 'kill', kind: 'host' },
  { act: 'freeze', kind: 'host' },
  { act: 'kill', kind: 'control' },
  { act: 'kill', kind: 'api' },
  { act: 'kill', kind: 'gateway' },
  { act: 'kill', kind: 'temporal' },
  { act: 'kill', kind: 'postgres' },
] as const satisfies readonly Pick<Strike, 'act' | 'kind'>[];

const FIRST_PERCENT = 5;
const LAST_PERCENT = 80;
/** Beyond the time-out of a hold, and within it. */
const FREEZE_MS = { min: 2_000, max: 7_000 } as const;
const DEAD_MS = { min: 200, max: 4_000 } as const;

/** Plans the strikes: each kind once before any comes again, in random order, at random points of the work. Pure. */
export function planStrikes(options: { readonly kills: number; readonly seed: number }): Strike[] {
  const random = createRandom(options.seed, 'strikes');
  const blows: (typeof BLOWS)[number][] = [];
  while (blows.length < options.kills) blows.push(...random.shuffled(BLOWS));
  const moments = Array.from(
    { length: options.kills },
    () => random.int(FIRST_PERCENT * 10, LAST_PERCENT * 10) / 1_000,
  ).toSorted((left, right) => left - right);
  return moments.map((atProgress, index) => {
    const blow = blows[index] ?? BLOWS[0];
    const { min, max } = blow.act === 'freeze' ? FREEZE_MS : DEAD_MS;
    return { ...blow, nth: random.int(0, 1_000), atProgress, pauseMs: random.int(min, max) };
  });
}

/** An outage may keep the work from getting to the next strike's point: it falls after this all the same. */
const LONGEST_WAIT_MS = 12_000;
const LOOK_EVERY_MS = 100;

/**
 * Lets all strikes fall and answers when the last victim has been started (or woken) again. Victims overlap as the
 * plan has it: nobody waits for one to be back before the next falls, except for a living one of the same kind.
 */
export async function strikeAll(options: {
  readonly strikes: readonly Strike[];
  readonly parts: readonly Part[];
  /** Share of the work that has been answered, from 0 to 1. */
  readonly progress: () => number;
  /** True when a turn executes there: a gateway is struck in the middle of its work. */
  readonly isWorking: (gatewayName: string) => boolean;
  readonly clock: Clock;
  readonly abort: AbortSignal;
  readonly onStrike: (report: StrikeReport) => void;
}): Promise<void> {
  const { clock, abort, progress } = options;
  const recoveries: Promise<void>[] = [];
  for (const strike of options.strikes) {
    const latest = clock.monotonic() + LONGEST_WAIT_MS;
    let victim: Part | null = null;
    for (;;) {
      const isLate = clock.monotonic() >= latest;
      victim = victimOf(strike, options.parts, isLate ? () => true : options.isWorking);
      const isDue = isLate || progress() >= strike.atProgress;
      if (abort.aborted || (isDue && victim !== null)) break;
      await clock.sleep(LOOK_EVERY_MS, abort);
    }
    if (abort.aborted || victim === null) break;
    const { act, pauseMs } = strike;
    options.onStrike({ act, part: victim.name, atMs: clock.now(), pauseMs, progress: progress() });
    await hit(victim, strike);
    const recovery = bringBack(victim, strike, clock, abort);
    // Looked at when all blows have fallen.
    recovery.catch(() => undefined);
    recoveries.push(recovery);
  }
  await Promise.all(recoveries);
}

/** The one that the plan means, or the next of its kind that is up (and works, when it is a gateway). */
function victimOf(
  { kind, nth }: Strike,
  parts: readonly Part[],
  isWorking: (gatewayName: string) => boolean,
): Part | null {
  const all = parts.filter((part) => part.kind === kind);
  const inTurn = all.map((_part, index) => all[(nth + index) % all.length]);
  const isStruck = (part: Part): boolean =>
    part.isUp() && (kind !== 'gateway' || isWorking(part.name));
  return inTurn.find((part) => part !== undefined && isStruck(part)) ?? null;
}

/** Answers when the blow has fallen. */
async function hit(victim: Part, { act }: Strike): Promise<void> {
  if (act === 'freeze') victim.freeze();
  else await victim.kill();
}

/** Answers when the victim has been started, or woken, again. */
async function bringBack(
  victim: Part,
  { act, pauseMs }: Strike,
  clock: Clock,
  abort: AbortSignal,
): Promise<void> {
  await clock.sleep(pauseMs, abort);
  if (act === 'freeze') victim.thaw();
  else await victim.start();
}
