import { UNCLEAN_STARTS, UNCLEAN_WITHIN_SECONDS } from '../restart-budget.ts';
import { linkOf, LINKS, type ChainVerdict, type LinkName, type LinkReason } from './link.ts';

/** What heals a link. Each may be repeated; Dash looks again after each. */
export const HEAL_ACTIONS = [
  'restart-gateway',
  /** All that are not there. */
  'start-forwards',
  /** Ends what the adapter itself has started, and starts it anew. */
  'restart-forwards',
  /** Exactly those of the contract; what Dash has put there before and no longer wants goes. */
  'patch-origins',
] as const;
export type HealAction = (typeof HEAL_ACTIONS)[number];

/** What is done about one link that is not well. */
export interface PlannedStep {
  readonly link: LinkName;
  readonly reason: LinkReason;
  readonly step:
    | { readonly kind: 'act'; readonly action: HealAction }
    /** It was tried too lately; `untilMs` null: it may mend itself, which is seen when it does. */
    | { readonly kind: 'wait'; readonly untilMs: number | null; readonly because: string }
    /** Only a person can, or may: what Dash does not own, or has tried in vain. */
    | { readonly kind: 'person'; readonly because: string };
}

/** An action that was taken for a link, and whether the link was well when Dash looked again. */
export interface HealTry {
  readonly link: LinkName;
  readonly reason: LinkReason;
  readonly atMs: number;
  readonly healed: boolean;
}

export interface HealSituation {
  readonly nowMs: number;
  readonly gateway: {
    /** Its process is in the hands of Dash. */
    readonly isManaged: boolean;
    /** What a person has to do before it can start; null: nothing. */
    readonly hint: string | null;
  };
  /** Of the last hour, oldest first. */
  readonly tries: readonly HealTry[];
  /** Starts of the gateway's process within the last five minutes, whoever asked for them, oldest first. */
  readonly startsMs: readonly number[];
}

/** After a try in vain the next one of the same link waits, twice as long each time. */
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 15 * 60_000;
/** So many tries in vain in a row, or of the same fault that came back within the hour, and a person is asked. */
const MOST_TRIES = 5;
const MOST_RETURNS = 3;
const MOST_STARTS = UNCLEAN_STARTS - 1;
const STARTS_WITHIN_MS = UNCLEAN_WITHIN_SECONDS * 1_000;

/**
 * What is to be done about a verdict, link by link in their order. Only the first `act` is carried out before the
 * chain is looked at again: it may mend what lies behind it. Links that are ok, unknown or expected have no step.
 */
export function planHeal(verdict: ChainVerdict, situation: HealSituation): readonly PlannedStep[] {
  return LINKS.flatMap((link) => {
    const found = verdict[link];
    if (found.state !== 'broken' && found.state !== 'degraded') return [];
    return [{ link, reason: found.reason, step: stepFor(link, found.reason, situation) }];
  });
}

/** When the first step that was tried too lately is due, milliseconds since the epoch; null: there is none. */
export function soonest(plan: readonly PlannedStep[]): number | null {
  const due = plan.flatMap(({ step }) => (step.kind === 'wait' ? (step.untilMs ?? []) : []));
  return due.length === 0 ? null : Math.min(...due);
}

function stepFor(
  link: LinkName,
  reason: LinkReason,
  situation: HealSituation,
): PlannedStep['step'] {
  const remedy = remedyOf(reason, situation.gateway);
  if (remedy.kind !== 'act') return remedy;
  return exhausted(link, reason, situation) ?? tooSoon(link, remedy.action, situation) ?? remedy;
}

type Remedy =
  | { readonly kind: 'act'; readonly action: HealAction }
  | { readonly kind: 'wait'; readonly untilMs: null; readonly because: string }
  | { readonly kind: 'person'; readonly because: string };

const act = (action: HealAction): Remedy => ({ kind: 'act', action });
const mendsItself = (because: string): Remedy => ({ kind: 'wait', untilMs: null, because });
const person = (because: string): Remedy => ({ kind: 'person', because });

/** The table of remedies: fault → what mends it. */
export function remedyOf(reason: LinkReason, gateway: HealSituation['gateway']): Remedy {
  if (isOutside(reason)) return remedyOutside(reason);
  switch (reason) {
    case 'gateway-not-listening':
    case 'gateway-hung':
    case 'gateway-resets':
      return remedyOfSilence(reason, gateway);
    case 'gateway-starting':
      return mendsItself('the gateway is starting');
    case 'gateway-not-ready':
      return mendsItself('the gateway lives and is not ready');
    case 'gateway-no-dashboard':
      return person('its configuration turns the dashboard off');
    case 'gateway-foreign-answer':
      return person('another program answers at the port of the gateway');
    case 'forward-no-listener':
      return act('start-forwards');
    case 'forward-hung':
    case 'forward-wrong-target':
    case 'forward-crossed':
    case 'forward-wrong-bind':
      return act('restart-forwards');
    case 'forward-foreign-listener':
      return person(
        'another program listens at the port of the forward, and Dash ends nothing that it did not start',
      );
    case 'cors-origin-refused':
    case 'cors-origin-left-over':
      return act('patch-origins');
    case 'cors-open-to-all':
      return person('Dash takes nothing away that it did not put there');
    case 'cors-origins-not-effective':
      return gateway.isManaged
        ? act('restart-gateway')
        : person(
            'the gateway is adopted: restart it when nobody needs it (dashctl gateway restart)',
          );
  }
}

type OutsideReason = Extract<LinkReason, `external-${string}`>;

function isOutside(reason: LinkReason): reason is OutsideReason {
  return linkOf(reason) === 'external';
}

function remedyOutside(reason: OutsideReason): Remedy {
  return person(
    reason.includes('certificate')
      ? 'Dash trusts no certificate by itself'
      : 'what lies before this machine is not in the hands of Dash',
  );
}

/** The process of a gateway that says nothing is in the hands of its host, or of somebody else. */
function remedyOfSilence(
  reason: 'gateway-not-listening' | 'gateway-hung' | 'gateway-resets',
  { isManaged, hint }: HealSituation['gateway'],
): Remedy {
  if (hint !== null) return person(hint);
  if (reason !== 'gateway-not-listening')
    return isManaged
      ? act('restart-gateway')
      : person('Dash cannot restart an adopted gateway that does not answer: look at its machine');
  return isManaged
    ? mendsItself('the host of the gateway starts it again')
    : person('Dash does not start an adopted gateway: start it there');
}

/** Tried in vain too often, or healed so often that healing is no cure. */
function exhausted(
  link: LinkName,
  reason: LinkReason,
  { tries }: HealSituation,
): PlannedStep['step'] | null {
  const inVain = lastInVain(link, tries).length;
  if (inVain >= MOST_TRIES)
    return { kind: 'person', because: `${inVain} tries in a row did not help` };
  const returned = tries.filter((one) => one.healed && one.link === link && one.reason === reason);
  return returned.length < MOST_RETURNS
    ? null
    : {
        kind: 'person',
        because: `it was healed ${returned.length} times within the hour and came back`,
      };
}

function lastInVain(link: LinkName, tries: readonly HealTry[]): readonly HealTry[] {
  const ofLink = tries.filter((one) => one.link === link);
  return ofLink.slice(ofLink.findLastIndex(({ healed }) => healed) + 1);
}

function tooSoon(
  link: LinkName,
  action: HealAction,
  { nowMs, tries, startsMs }: HealSituation,
): PlannedStep['step'] | null {
  const inVain = lastInVain(link, tries);
  const last = inVain.at(-1);
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (inVain.length - 1), LONGEST_PAUSE_MS);
  if (last !== undefined && last.atMs + pauseMs > nowMs)
    return { kind: 'wait', untilMs: last.atMs + pauseMs, because: 'the last try did not help' };
  if (action !== 'restart-gateway') return null;
  const lately = startsMs.filter((at) => at > nowMs - STARTS_WITHIN_MS);
  const oldestThatCounts = lately.at(-MOST_STARTS);
  if (oldestThatCounts === undefined) return null;
  return {
    kind: 'wait',
    untilMs: oldestThatCounts + STARTS_WITHIN_MS,
    because: `the gateway was started ${lately.length} times within five minutes, and a third time trips its own breaker`,
  };
}
