import { LINKS, type ChainVerdict, type LinkName, type LinkVerdict } from './link.ts';

/** What a watch remembers between two looks: plain data, for it travels in heartbeats and histories. */
export interface WatchMemory {
  readonly links: Readonly<Record<LinkName, LinkMemory>>;
  /** Trouble from its first broken link to the moment when all is well: one alert, whatever happens meanwhile. */
  readonly episode: { readonly sinceMs: number } | null;
}

interface LinkMemory {
  /** What is said of the link: changes only when looks agree. null: it was never looked at. */
  readonly shown: LinkVerdict | null;
  /** Another state than the one that is shown, and how many looks in a row have had it. */
  readonly doubt: { readonly state: LinkVerdict['state']; readonly looks: number } | null;
  /** Whether it worked when that was seen last; null: never. */
  readonly worked: boolean | null;
  /** When looks saw it go or come, milliseconds; oldest first, of the flap window. */
  readonly turnsMs: readonly number[];
  readonly flaps: boolean;
}

export interface Watched {
  readonly memory: WatchMemory;
  readonly verdict: ChainVerdict;
  /** Links that work now and then: one action more does not heal them. */
  readonly flapping: readonly LinkName[];
  /** Something is said differently from before: the watch returns, and nothing else makes it. */
  readonly changed: boolean;
  /** An episode began or ended with this look; null: neither. */
  readonly told: 'began' | 'ended' | null;
}

/** So many turns within the window, seen by single looks, and a link flaps until a window had less than half. */
const FLAP_TURNS = 6;
const FLAP_WINDOW_MS = 10 * 60_000;

/** What is said of the chain by now; null: it was not looked at yet. */
export function said({ links }: WatchMemory): ChainVerdict | null {
  const { gateway, forward, cors, external } = links;
  return gateway.shown === null ||
    forward.shown === null ||
    cors.shown === null ||
    external.shown === null
    ? null
    : {
        gateway: gateway.shown,
        forward: forward.shown,
        cors: cors.shown,
        external: external.shown,
      };
}

/** Before the first look: what that one says is shown at once. */
export function newWatch(): WatchMemory {
  const link: LinkMemory = { shown: null, doubt: null, worked: null, turnsMs: [], flaps: false };
  return { links: { gateway: link, forward: link, cors: link, external: link }, episode: null };
}

/** One more look, with hysteresis: a verdict is said when looks in a row agree on its state. */
export function watch(before: WatchMemory, seen: ChainVerdict, nowMs: number): Watched {
  const links = mapLinks((name) => lookAt(before.links[name], seen[name], nowMs));
  const verdict = mapLinks((name) => links[name].shown ?? seen[name]);
  const flapping = LINKS.filter((name) => links[name].flaps);
  const isTrouble = flapping.length > 0 || LINKS.some((name) => verdict[name].state === 'broken');
  // What is down by plan is no trouble, and no sign that trouble is over.
  const isOver =
    !isTrouble && LINKS.every((name) => verdict[name].state === 'ok' || isWeak(verdict[name]));
  const began = isTrouble && before.episode === null;
  const ended = isOver && before.episode !== null;
  return {
    memory: { links, episode: began ? { sinceMs: nowMs } : ended ? null : before.episode },
    verdict,
    flapping,
    changed: LINKS.some((name) => isSaidAnew(before.links[name], links[name])),
    told: began ? 'began' : ended ? 'ended' : null,
  };
}

function mapLinks<T>(of: (name: LinkName) => T): Readonly<Record<LinkName, T>> {
  return {
    gateway: of('gateway'),
    forward: of('forward'),
    cors: of('cors'),
    external: of('external'),
  };
}

function lookAt(memory: LinkMemory, seen: LinkVerdict, nowMs: number): LinkMemory {
  const works = worksNow(seen);
  const isTurn = works !== null && memory.worked !== null && works !== memory.worked;
  const turnsMs = [
    ...memory.turnsMs.filter((at) => at > nowMs - FLAP_WINDOW_MS),
    ...(isTurn ? [nowMs] : []),
  ];
  const flaps = turnsMs.length >= (memory.flaps ? FLAP_TURNS / 2 : FLAP_TURNS);
  return { ...shownAfter(memory, seen), worked: works ?? memory.worked, turnsMs, flaps };
}

function shownAfter(
  { shown, doubt }: LinkMemory,
  seen: LinkVerdict,
): Pick<LinkMemory, 'shown' | 'doubt'> {
  // The newest reason and evidence, under the same state.
  if (shown === null || shown.state === seen.state) return { shown: seen, doubt: null };
  const looks = doubt?.state === seen.state ? doubt.looks + 1 : 1;
  return looks < looksUntilShown(seen)
    ? { shown, doubt: { state: seen.state, looks } }
    : { shown: seen, doubt: null };
}

/** One miss is no outage, and one answer no recovery; what a probe could not tell is given longer. */
function looksUntilShown(seen: LinkVerdict): number {
  if (seen.state === 'expected') return 1;
  return seen.state === 'unknown' && seen.behind === null ? 3 : 2;
}

/** null: it cannot be told, or is not meant to work. */
function worksNow(seen: LinkVerdict): boolean | null {
  if (seen.state === 'broken') return false;
  return seen.state === 'ok' || isWeak(seen) ? true : null;
}

function isWeak({ state }: LinkVerdict): boolean {
  return state === 'degraded';
}

function isSaidAnew(before: LinkMemory, after: LinkMemory): boolean {
  return keyOf(before.shown) !== keyOf(after.shown) || before.flaps !== after.flaps;
}

/** The same state for the same reason; evidence may differ. */
function keyOf(verdict: LinkVerdict | null): string {
  switch (verdict?.state) {
    case undefined:
      return '';
    case 'ok':
      return 'ok';
    case 'broken':
    case 'degraded':
      return `${verdict.state}:${verdict.reason}`;
    case 'unknown':
      return `unknown:${verdict.behind ?? ''}`;
    case 'expected':
      return `expected:${verdict.because}`;
  }
}
