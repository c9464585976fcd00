import { LINKS, type ChainVerdict, type LinkName, type LinkVerdict } from './link.ts';

/** What a watch remembers of one link between two looks. */
interface LinkMemory {
  /** What is said of the link: changes only when looks agree. */
  readonly shown: LinkVerdict;
  /** Another verdict, and how many looks in a row have had it. */
  readonly doubt: { readonly verdict: LinkVerdict; readonly looks: number } | null;
  /** When `shown` went from working to not working or back, milliseconds; oldest first, of the flap window. */
  readonly turnsMs: readonly number[];
}

export interface WatchMemory {
  readonly links: Readonly<Record<LinkName, LinkMemory>>;
  /** Trouble from its first broken link to the moment when all is well: one alert, whatever happens meanwhile. */
  readonly episode: { readonly sinceMs: number } | null;
}

export interface Watched {
  readonly memory: WatchMemory;
  readonly verdict: ChainVerdict;
  /** Links that work now and then; what heals them is not one action more. */
  readonly flapping: readonly LinkName[];
  /** Something is said differently from before: the watch returns, and nothing else makes it. */
  readonly changed: boolean;
  /** An episode began or ended with this look; null: neither. */
  readonly told: 'began' | 'ended' | null;
}

/** One miss is no outage, and one answer no recovery; what a probe could not tell is given longer. */
function looksUntilShown(seen: LinkVerdict): number {
  if (seen.state === 'expected') return 1;
  return seen.state === 'unknown' && seen.behind === null ? 3 : 2;
}

/** So many turns within the window, and a link flaps until as long a window had fewer. */
const FLAP_TURNS = 4;
const FLAP_WINDOW_MS = 10 * 60_000;

const UNTOLD: LinkVerdict = { state: 'unknown', behind: null, detail: 'not looked at yet' };

/** Before the first look: what that one says is shown at once. */
export function newWatch(): WatchMemory {
  const link: LinkMemory = { shown: UNTOLD, doubt: null, turnsMs: [] };
  return { links: { gateway: link, forward: link, cors: link, external: link }, episode: null };
}

/** One more look, with hysteresis: a verdict is said when looks in a row agree on it. */
export function watch(before: WatchMemory, seen: ChainVerdict, nowMs: number): Watched {
  const links = mapLinks((name) => lookAt(before.links[name], seen[name], nowMs));
  const verdict = mapLinks((name) => links[name].shown);
  const isBroken = LINKS.some((name) => verdict[name].state === 'broken');
  const isOver = !isBroken && LINKS.every((name) => isWell(verdict[name]));
  const began = isBroken && before.episode === null;
  const ended = isOver && before.episode !== null;
  const episode = began ? { sinceMs: nowMs } : ended ? null : before.episode;
  const flapping = LINKS.filter((name) => flaps(links[name], nowMs));
  const flappedBefore = LINKS.filter((name) => flaps(before.links[name], nowMs));
  return {
    memory: { links, episode },
    verdict,
    flapping,
    changed:
      LINKS.some((name) => !isSame(before.links[name].shown, verdict[name])) ||
      flapping.join() !== flappedBefore.join(),
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
  const turnsMs = memory.turnsMs.filter((at) => at > nowMs - FLAP_WINDOW_MS);
  // The evidence of the newest look, under the same reason.
  if (isSame(memory.shown, seen)) return { shown: seen, doubt: null, turnsMs };
  const looks =
    memory.doubt !== null && isSame(memory.doubt.verdict, seen) ? memory.doubt.looks + 1 : 1;
  const isFirst = memory.shown === UNTOLD;
  if (!isFirst && looks < looksUntilShown(seen))
    return { shown: memory.shown, doubt: { verdict: seen, looks }, turnsMs };
  const isTurn = !isFirst && isWell(memory.shown) !== isWell(seen);
  return { shown: seen, doubt: null, turnsMs: isTurn ? [...turnsMs, nowMs] : turnsMs };
}

/** Works, or is not meant to. */
function isWell({ state }: LinkVerdict): boolean {
  return state === 'ok' || state === 'degraded' || state === 'expected';
}

function flaps({ turnsMs }: LinkMemory, nowMs: number): boolean {
  return turnsMs.filter((at) => at > nowMs - FLAP_WINDOW_MS).length >= FLAP_TURNS;
}

/** The same state for the same reason; evidence may differ. */
function isSame(one: LinkVerdict, other: LinkVerdict): boolean {
  return keyOf(one) === keyOf(other);
}

function keyOf(verdict: LinkVerdict): string {
  switch (verdict.state) {
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
