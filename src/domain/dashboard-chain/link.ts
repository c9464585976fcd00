/** The links of a chain, in the order in which they need each other. */
export const LINKS = ['gateway', 'forward', 'cors', 'external'] as const;
export type LinkName = (typeof LINKS)[number];

/** Why a link is not ok. `unknown` needs no reason: it says behind which link it is, or what could not be told. */
export const LINK_REASONS = {
  gateway: [
    'not-listening',
    'hung',
    'resets',
    'foreign-answer',
    'starting',
    'not-ready',
    'no-dashboard',
  ],
  forward: ['no-listener', 'foreign-listener', 'hung', 'wrong-target', 'crossed', 'wrong-bind'],
  cors: ['origin-refused', 'origins-not-effective', 'origin-left-over', 'open-to-all'],
  external: [
    'unreachable',
    'unresolved',
    'timeout',
    'certificate-refused',
    'certificate-changed',
    'certificate-expired',
    'certificate-expires',
    'upstream-down',
    'proxy-auth',
    'no-upgrade',
    'socket-fails',
    'origin-rewritten',
    'other-gateway',
    'other-site',
    'idle-cut',
  ],
} as const satisfies Record<LinkName, readonly string[]>;

export type LinkReason = {
  [Name in LinkName]: `${Name}-${(typeof LINK_REASONS)[Name][number]}`;
}[LinkName];

/** A reason is named after its link. */
export function linkOf(reason: LinkReason): LinkName {
  const name = LINKS.find((link) => reason.startsWith(`${link}-`));
  if (name === undefined) throw new Error(`no link has the reason ${reason}`);
  return name;
}

/** Facts for people, shown beside the reason; never a token. */
export type Evidence = Readonly<
  Record<string, string | number | boolean | null | readonly string[]>
>;

export type LinkVerdict =
  | { readonly state: 'ok' }
  | {
      readonly state: 'broken' | 'degraded';
      readonly reason: LinkReason;
      readonly evidence: Evidence;
    }
  /** Not down: nobody can tell. `behind`: because that link is down. */
  | { readonly state: 'unknown'; readonly behind: LinkName | null; readonly detail: string }
  /** Down by plan: drain, rollout, maintenance. */
  | { readonly state: 'expected'; readonly because: string };

export type ChainVerdict = Readonly<Record<LinkName, LinkVerdict>>;
