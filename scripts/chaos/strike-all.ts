import { assertNever } from '../../src/domain/assert-never.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Part } from './part.ts';
import { describeBlow, type Blow, type Strike } from './strikes.ts';

/** What became of a strike. */
export interface StrikeReport {
  readonly act: Blow['act'];
  /** The act with its measure: `slow (800 ms)`. */
  readonly blow: string;
  readonly part: string;
  readonly kind: Part['kind'];
  readonly atMs: number;
  readonly pauseMs: number;
  readonly progress: number;
}

/** An outage may keep the work from getting to the next strike's point: it falls after this all the same. */
const LONGEST_WAIT_MS = 12_000;
const LOOK_EVERY_MS = 100;

/**
 * Lets all strikes fall and answers when the last victim has been started (or woken, reconnected, set right) again.
 * Victims overlap as the plan has it: nobody waits for one to be back before the next falls, except for a living one
 * of the same kind.
 */
export async function strikeAll(options: {
  readonly strikes: readonly Strike[];
  readonly parts: readonly Part[];
  /** Share of the work that has been answered, from 0 to 1. */
  readonly progress: () => number;
  /** True when a turn executes there: a gateway is struck in the middle of its work. */
  readonly isWorking: (gatewayName: string) => boolean;
  readonly clock: Clock;
  /** No more strikes; who is struck is made well at once. */
  readonly abort: AbortSignal;
  readonly onStrike: (report: StrikeReport) => void;
}): Promise<void> {
  const { clock, abort, progress } = options;
  const recoveries: Promise<void>[] = [];
  for (const strike of options.strikes) {
    const victim = await victimInTime(strike, options);
    if (abort.aborted || victim === null) break;
    const { blow, pauseMs } = strike;
    const { name: part, kind } = victim;
    options.onStrike({
      ...{ act: blow.act, blow: describeBlow(blow), part, kind },
      ...{ atMs: clock.now(), pauseMs, progress: progress() },
    });
    const heal = await hit(victim, blow);
    const recovery = clock.sleep(pauseMs, abort).then(heal);
    // Looked at when all blows have fallen.
    recovery.catch(() => undefined);
    recoveries.push(recovery);
  }
  await Promise.all(recoveries);
}

/** Waits until the strike is due and somebody is there to be struck; null when the run is over before. */
async function victimInTime(
  strike: Strike,
  options: Parameters<typeof strikeAll>[0],
): Promise<Part | null> {
  const { clock, abort, progress, isWorking, parts } = options;
  const latest = clock.monotonic() + LONGEST_WAIT_MS;
  while (!abort.aborted) {
    const isLate = clock.monotonic() >= latest;
    // In the middle of its work if at all possible.
    const working = victimOf(strike, parts, isWorking);
    const victim = isLate ? (working ?? victimOf(strike, parts, () => true)) : working;
    if (victim !== null && (isLate || progress() >= strike.atProgress)) return victim;
    await clock.sleep(LOOK_EVERY_MS, abort);
  }
  return null;
}

/** The one that the plan means, or the next of its kind that can be struck (and works, when it is a gateway). */
function victimOf(
  { kind, nth, blow }: Strike,
  parts: readonly Part[],
  isWorking: (gatewayName: string) => boolean,
): Part | null {
  const all = parts.filter((part) => part.kind === kind);
  const inTurn = all.map((_part, index) => all[(nth + index) % all.length]);
  const weather = weatherOf(blow);
  const isStruck = (part: Part): boolean =>
    part.isUp() &&
    (weather === null || !part.weather.has(weather)) &&
    (kind !== 'gateway' || isWorking(part.name));
  return inTurn.find((part) => part !== undefined && isStruck(part)) ?? null;
}

function weatherOf({ act }: Blow): 'way' | 'clock' | null {
  switch (act) {
    case 'kill':
    case 'freeze':
      return null;
    case 'cut':
    case 'choke':
    case 'slow':
      return 'way';
    case 'jump':
      return 'clock';
  }
}

/** Answers, when the blow has fallen, what makes its victim well again. */
async function hit(victim: Part, blow: Blow): Promise<() => Promise<void> | void> {
  const weather = weatherOf(blow);
  if (weather !== null) victim.weather.add(weather);
  const over = (heal: () => void) => (): void => {
    heal();
    if (weather !== null) victim.weather.delete(weather);
  };
  switch (blow.act) {
    case 'kill':
      await victim.kill();
      return () => victim.start();
    case 'freeze':
      victim.freeze();
      return () => victim.thaw();
    case 'cut':
      victim.way().cut();
      return over(() => victim.way().heal());
    case 'choke':
      victim.way().choke(blow.direction);
      return over(() => victim.way().heal());
    case 'slow':
      victim.way().slow(blow.delayMs);
      return over(() => victim.way().heal());
    case 'jump':
      victim.setClock(blow.offsetMs);
      return over(() => victim.setClock(0));
    default:
      return assertNever(blow);
  }
}
