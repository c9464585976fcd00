import { createRandom, type Random } from './random.ts';
import type { PartKind } from './part.ts';

/** What a strike does to its victim, with what it needs to know. */
export type Blow =
  | { readonly act: 'kill' | 'freeze' | 'cut' }
  | { readonly act: 'choke'; readonly direction: 'to' | 'from' | 'both' }
  | { readonly act: 'slow'; readonly delayMs: number }
  | { readonly act: 'jump'; readonly offsetMs: number };

/** One blow against one process. Planned from the seed; the machine decides in which instant of the work it falls. */
export interface Strike {
  readonly blow: Blow;
  readonly kind: PartKind;
  /** Which one of its kind, counted round. */
  readonly nth: number;
  /** It falls when this share of the work has been answered, even if earlier victims are still down. */
  readonly atProgress: number;
  /** How long it lasts. */
  readonly pauseMs: number;
}

interface Target {
  readonly act: Blow['act'];
  readonly kind: PartKind;
}

const KILLS = [
  { act: 'kill', kind: 'host' },
  { act: 'kill', kind: 'control' },
  { act: 'kill', kind: 'api' },
  { act: 'kill', kind: 'gateway' },
  { act: 'kill', kind: 'temporal' },
  { act: 'kill', kind: 'postgres' },
  { act: 'freeze', kind: 'host' },
  { act: 'freeze', kind: 'control' },
  { act: 'freeze', kind: 'api' },
  { act: 'freeze', kind: 'gateway' },
  { act: 'freeze', kind: 'temporal' },
  { act: 'freeze', kind: 'postgres' },
] as const satisfies readonly Target[];

const WEATHER = [
  { act: 'cut', kind: 'gateway' },
  { act: 'choke', kind: 'gateway' },
  { act: 'slow', kind: 'gateway' },
  { act: 'jump', kind: 'host' },
  { act: 'jump', kind: 'control' },
  { act: 'jump', kind: 'api' },
] as const satisfies readonly Target[];

const FIRST_PERMILLE = 50;
const LAST_PERMILLE = 800;
const DELAY_MS = { min: 100, max: 2_500 } as const;
const JUMP_MS = { min: 2_000, max: 7_200_000 } as const;

/**
 * Plans the strikes: of the kills (SIGKILL and SIGSTOP) as of the weather, each sort once before any comes again, in
 * random order, at random points of the work. Freezes last within and beyond the time-out of a hold. Pure.
 */
export function planStrikes(options: {
  readonly kills: number;
  readonly weather: number;
  readonly holdTimeoutMs: number;
  readonly seed: number;
}): Strike[] {
  const { kills, weather, holdTimeoutMs, seed } = options;
  return [
    ...planSome(KILLS, kills, holdTimeoutMs, createRandom(seed, 'strikes')),
    ...planSome(WEATHER, weather, holdTimeoutMs, createRandom(seed, 'weather')),
  ].toSorted((left, right) => left.atProgress - right.atProgress);
}

function planSome(
  sorts: readonly Target[],
  count: number,
  holdTimeoutMs: number,
  random: Random,
): Strike[] {
  const targets: Target[] = [];
  while (targets.length < count) targets.push(...random.shuffled(sorts));
  return targets.slice(0, count).map(({ act, kind }) => ({
    blow: blowOf(act, random),
    kind,
    nth: random.int(0, 1_000),
    atProgress: random.int(FIRST_PERMILLE, LAST_PERMILLE) / 1_000,
    pauseMs: pauseOf(act, holdTimeoutMs, random),
  }));
}

function blowOf(act: Blow['act'], random: Random): Blow {
  switch (act) {
    case 'choke':
      return { act, direction: random.pick(['to', 'from', 'both'] as const) };
    case 'slow':
      return { act, delayMs: random.int(DELAY_MS.min, DELAY_MS.max) };
    case 'jump': {
      // Small jumps as often as large ones, ahead as often as back.
      const size = JUMP_MS.min * (JUMP_MS.max / JUMP_MS.min) ** (random.int(0, 1_000) / 1_000);
      return { act, offsetMs: Math.round(random.chance(0.5) ? size : -size) };
    }
    case 'kill':
    case 'freeze':
    case 'cut':
      return { act };
  }
}

function pauseOf(act: Blow['act'], holdTimeoutMs: number, random: Random): number {
  switch (act) {
    case 'kill':
      return random.int(200, 4_000);
    case 'freeze':
      return random.int(Math.round(holdTimeoutMs * 0.6), Math.round(holdTimeoutMs * 2.4));
    case 'cut':
      return random.int(300, 6_000);
    case 'choke':
      return random.int(1_000, 12_000);
    case 'slow':
    case 'jump':
      return random.int(2_000, 15_000);
  }
}

/** The blow for people: `freeze`, `jump +5 s`, `choke from`. */
export function describeBlow(blow: Blow): string {
  switch (blow.act) {
    case 'choke':
      return `choke (${blow.direction})`;
    case 'slow':
      return `slow (${blow.delayMs} ms)`;
    case 'jump':
      return `jump (${blow.offsetMs > 0 ? '+' : ''}${Math.round(blow.offsetMs / 1_000)} s)`;
    case 'kill':
    case 'freeze':
    case 'cut':
      return blow.act;
  }
}
