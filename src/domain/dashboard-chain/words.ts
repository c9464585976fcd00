import {
  LINKS,
  type ChainVerdict,
  type LinkName,
  type LinkReason,
  type LinkVerdict,
} from './link.ts';

/** What a whole chain is; `planned`: down because somebody wants it so. */
export const CHAIN_HEALTHS = ['healthy', 'unhealthy', 'inconclusive', 'planned'] as const;
export type ChainHealth = (typeof CHAIN_HEALTHS)[number];

/** Broken in one place is broken; what nobody can tell is never taken for down, nor for healthy. */
export function healthOf(verdict: ChainVerdict | null): ChainHealth {
  if (verdict === null) return 'inconclusive';
  const states = LINKS.map((name) => verdict[name].state);
  if (states.includes('broken')) return 'unhealthy';
  if (states.includes('unknown')) return 'inconclusive';
  return states.includes('expected') ? 'planned' : 'healthy';
}

/** One sentence about the first link that is not ok; null: nobody has looked at the chain. */
export function diagnosisOf(verdict: ChainVerdict | null): string {
  if (verdict === null)
    return 'Nobody has looked at it: its watch is about to begin, or no host holds the gateway.';
  const name = LINKS.find((link) => verdict[link].state !== 'ok');
  if (name === undefined) return 'The dashboard is reachable, from the gateway to the access URL.';
  const found = verdict[name];
  const detail = detailOf(found);
  return found.state === 'expected' ? `${detail}.` : `${LINK_WORDS[name]}: ${detail}.`;
}

/** What is to be said of one link, without its name; null: it is ok. */
export function detailOf(link: LinkVerdict): string | null {
  switch (link.state) {
    case 'ok':
      return null;
    case 'broken':
    case 'degraded':
      return REASON_WORDS[link.reason];
    case 'unknown':
      return `nobody can tell now (${link.detail})`;
    case 'expected':
      return `Down by plan: ${link.because}`;
  }
}

export const LINK_WORDS: Readonly<Record<LinkName, string>> = {
  gateway: 'The gateway',
  forward: 'The forward to the gateway',
  cors: 'The origins that the gateway lets in',
  external: 'The way from outside',
};

/** What is wrong, after the name of the link. Each has a page of its own: src/contract/chain-help.ts. */
export const REASON_WORDS: Readonly<Record<LinkReason, string>> = {
  'gateway-not-listening': 'nothing listens at its port',
  'gateway-hung': 'it takes connections and answers none',
  'gateway-resets': 'it closes connections without an answer',
  'gateway-foreign-answer': 'another program answers at its port',
  'gateway-starting': 'it is starting',
  'gateway-not-ready': 'it lives and says that it is not ready',
  'gateway-no-dashboard': 'it works, and serves no dashboard',
  'forward-no-listener': 'nothing listens at its port',
  'forward-foreign-listener': 'another program has its port',
  'forward-hung': 'it takes connections and passes nothing on',
  'forward-wrong-target': 'nothing answers behind it',
  'forward-crossed': 'it leads to another gateway',
  'forward-wrong-bind': 'it listens on another address than it should',
  'cors-origin-refused': 'a page that people use is not among them',
  'cors-origins-not-effective':
    'its configuration names them all, and it has not been restarted since',
  'cors-origin-left-over':
    'a page that Dash let in, and that is no part of the way any more, still may',
  'cors-open-to-all': 'every page of the web may speak to the gateway',
  'external-unreachable': 'nothing listens at the access URL',
  'external-unresolved': 'the name of the access URL has no address',
  'external-timeout': 'the access URL does not answer in time',
  'external-certificate-refused': 'browsers do not trust the certificate of the access URL',
  'external-certificate-changed': 'the certificate is another one than the one that was trusted',
  'external-certificate-expired': 'the certificate has expired',
  'external-certificate-expires': 'the certificate expires within two weeks',
  'external-upstream-down': 'the proxy does not reach the gateway',
  'external-proxy-auth': 'the proxy asks for a password of its own',
  'external-no-upgrade': 'the proxy serves pages and passes no WebSocket on',
  'external-socket-fails': 'pages arrive and WebSockets do not',
  'external-origin-rewritten': 'the gateway is shown another origin than the browser sent',
  'external-other-gateway': 'the access URL leads to another gateway',
  'external-other-site': 'something else than a gateway answers at the access URL',
  'external-idle-cut': 'something on the way cuts connections that are silent for a while',
};
