import type { DashboardChain } from './contract.ts';
import type { ChainVerdict, Evidence, LinkName, LinkReason, LinkVerdict } from './link.ts';
import type {
  ChainObservation,
  Certificate,
  ExternalSeen,
  ForwardSeen,
  HttpSeen,
  SocketSeen,
} from './observation.ts';

/** What the verdict needs beside what was seen. */
export interface Circumstances {
  /** Down by plan, in words (`drained by ann`); null: it is meant to work. */
  readonly planned: string | null;
  /** Since the gateway's last start, as far as Dash knows; null: it does not. */
  readonly startedMsAgo: number | null;
  /** The certificate that an operator has trusted; null: any that the machine's roots accept. */
  readonly pinnedFingerprint: string | null;
}

/** A gateway of 2026.7 needs 7.5 to 12 s on two cores before it answers; loaded machines need longer. */
export const START_GRACE_MS = 45_000;
/** Two probes of one gateway, a few round trips apart. */
const SAME_BOOT_WITHIN_MS = 10_000;
/** The server pings every 25 s: what is cut before that cuts everybody. */
const PINGED_WITHIN_MS = 25_000;
const EXPIRES_SOON_MS = 14 * 86_400_000;

const OK: LinkVerdict = { state: 'ok' };

/**
 * Which link of the chain is broken, and why: the first one whose fault explains what was seen. Links behind it are
 * `unknown`, not broken, unless they have a fault of their own that shows all the same: one cause, one alert.
 */
export function diagnose(
  chain: DashboardChain,
  seen: ChainObservation,
  circumstances: Circumstances,
): ChainVerdict {
  if (circumstances.planned !== null) {
    const expected: LinkVerdict = { state: 'expected', because: circumstances.planned };
    return { gateway: expected, forward: expected, cors: expected, external: expected };
  }
  const gateway = gatewayVerdict(seen, circumstances);
  const forward = forwardVerdict(chain, seen, gateway);
  const cors = behind({ gateway, forward }) ?? corsVerdict(seen);
  const external =
    seen.external === null
      ? OK
      : externalVerdict(seen.external, { gateway, forward }, seen.atMs, circumstances);
  return { gateway, forward, cors, external };
}

function broken(reason: LinkReason, evidence: Evidence = {}): LinkVerdict {
  return { state: 'broken', reason, evidence };
}

function cannotTell(detail: string): LinkVerdict {
  return { state: 'unknown', behind: null, detail };
}

/** Down, so that what lies behind it cannot be judged. */
function isDown({ state }: LinkVerdict): boolean {
  return state === 'broken' || state === 'unknown';
}

function behind(links: Partial<Record<LinkName, LinkVerdict>>): LinkVerdict | null {
  for (const [name, verdict] of Object.entries(links) as [LinkName, LinkVerdict][]) {
    if (isDown(verdict))
      return { state: 'unknown', behind: name, detail: `the ${name} has to work first` };
  }
  return null;
}

function gatewayVerdict(seen: ChainObservation, { startedMsAgo }: Circumstances): LinkVerdict {
  const isStarting = startedMsAgo !== null && startedMsAgo < START_GRACE_MS;
  const starting: LinkVerdict = {
    state: 'degraded',
    reason: 'gateway-starting',
    evidence: { startedMsAgo },
  };
  const direct = seen.direct ?? throughForward(seen);
  switch (direct.kind) {
    case 'gateway':
      if (direct.ready) return OK;
      if (isStarting) return starting;
      return {
        state: 'degraded',
        reason: 'gateway-not-ready',
        evidence: { failing: direct.failing },
      };
    case 'refused':
      return isStarting ? starting : broken('gateway-not-listening');
    case 'reset':
      return isStarting ? starting : broken('gateway-resets');
    case 'timeout':
      return isStarting ? starting : broken('gateway-hung');
    case 'other':
      // R60: on its own loopback a gateway that asks for a credential lives; anywhere else a 401 proves nothing.
      if (direct.status === 401 && seen.direct !== null) return OK;
      return broken('gateway-foreign-answer', { status: direct.status });
    case 'certificate':
    case 'unresolved':
      return cannotTell(`the probe met ${direct.kind}`);
    case 'unknown':
      return cannotTell(direct.detail);
  }
}

/**
 * What the forward's answer says of a gateway that cannot be asked past it: that it lives, or that nothing takes the
 * connections which its forward carries.
 */
function throughForward({ forwards: [dashboard] }: ChainObservation): HttpSeen {
  if (dashboard?.http.kind === 'gateway') return dashboard.http;
  if (dashboard?.http.kind === 'reset' && dashboard.listener.kind === 'own')
    return { kind: 'refused' };
  return { kind: 'unknown', detail: 'it cannot be asked past its forward' };
}

function forwardVerdict(
  chain: DashboardChain,
  seen: ChainObservation,
  gateway: LinkVerdict,
): LinkVerdict {
  const verdicts = chain.forwards.map((forward, index) => {
    const found = seen.forwards[index];
    if (found === undefined) return cannotTell(`the forward ${forward.name} was not looked at`);
    return oneForward(found, {
      bind: forward.bind,
      direct: seen.direct,
      gateway,
      isDashboard: index === 0,
    });
  });
  return verdicts.find(({ state }) => state === 'broken') ?? verdicts.find(isDown) ?? OK;
}

function oneForward(
  { name, listener, http }: ForwardSeen,
  context: {
    readonly bind: string;
    readonly direct: HttpSeen | null;
    readonly gateway: LinkVerdict;
    readonly isDashboard: boolean;
  },
): LinkVerdict {
  const { bind, direct, gateway, isDashboard } = context;
  if (listener.kind === 'none' || http.kind === 'refused')
    return broken('forward-no-listener', { forward: name });
  if (listener.kind === 'own' && listener.bind !== bind)
    return broken('forward-wrong-bind', { forward: name, bind: listener.bind, wanted: bind });
  // Further ports carry what Dash does not know: that its own process listens is all it can prove.
  if (!isDashboard) return listener.kind === 'foreign' ? foreign(name, listener.owner) : OK;
  switch (http.kind) {
    case 'gateway':
      // Whoever listens: it is the way to this gateway, proved by behaviour.
      if (isSameBoot(http, direct)) return OK;
      return listener.kind === 'foreign'
        ? foreign(name, listener.owner)
        : broken('forward-crossed', { forward: name });
    case 'other':
      return foreign(name, listener.kind === 'foreign' ? listener.owner : null);
    case 'reset':
      if (listener.kind === 'foreign') return foreign(name, listener.owner);
      return direct?.kind === 'gateway'
        ? broken('forward-wrong-target', { forward: name })
        : { state: 'unknown', behind: 'gateway', detail: 'it carries, and nobody answers there' };
    case 'timeout':
      if (listener.kind === 'foreign') return foreign(name, listener.owner);
      return isDown(gateway)
        ? { state: 'unknown', behind: 'gateway', detail: 'no answer through it, nor past it' }
        : broken('forward-hung', { forward: name });
    case 'certificate':
    case 'unresolved':
      return cannotTell(`the probe met ${http.kind}`);
    case 'unknown':
      return cannotTell(http.detail);
  }
}

function foreign(forward: string, owner: string | null): LinkVerdict {
  return broken('forward-foreign-listener', { forward, owner });
}

/** Without a way past the forward, or without uptimes, one gateway is as good as another here; its token tells then. */
function isSameBoot(through: HttpSeen, direct: HttpSeen | null): boolean {
  if (through.kind !== 'gateway' || direct?.kind !== 'gateway') return true;
  if (through.uptimeMs === null || direct.uptimeMs === null) return true;
  return Math.abs(through.uptimeMs - direct.uptimeMs) < SAME_BOOT_WITHIN_MS;
}

function corsVerdict({ origins, configuredOrigins }: ChainObservation): LinkVerdict {
  const refused = origins.filter(({ socket }) => refusesOrigin(socket)).map(({ origin }) => origin);
  if (refused.length > 0) {
    const isConfigured =
      configuredOrigins !== null && refused.every((origin) => configuredOrigins.includes(origin));
    return broken(isConfigured ? 'cors-origins-not-effective' : 'cors-origin-refused', {
      origins: refused,
    });
  }
  const untold = origins.find(({ socket }) => socket.kind !== 'gateway');
  return untold === undefined
    ? OK
    : cannotTell(`the probe with the origin ${untold.origin} met ${untold.socket.kind}`);
}

function refusesOrigin(socket: SocketSeen): boolean {
  return socket.kind === 'gateway' && !socket.isOriginAccepted;
}

function externalVerdict(
  { http, socket, certificate, cutAfterMs }: ExternalSeen,
  inner: Pick<ChainVerdict, 'gateway' | 'forward'>,
  atMs: number,
  { pinnedFingerprint }: Circumstances,
): LinkVerdict {
  if (changed(certificate, pinnedFingerprint)) {
    return broken('external-certificate-changed', {
      fingerprint: certificate?.fingerprint ?? null,
      pinned: pinnedFingerprint,
    });
  }
  const own = externalFault(http, socket);
  if (own !== null) return own;
  const waits = behind(inner);
  if (waits !== null) return waits;
  switch (http.kind) {
    case 'gateway':
      break;
    case 'other':
      return http.status >= 500
        ? broken('external-upstream-down', { status: http.status })
        : broken('external-other-site', { status: http.status });
    case 'reset':
      return broken('external-upstream-down', { status: null });
    case 'timeout':
      return broken('external-timeout');
    case 'unknown':
      return cannotTell(http.detail);
    case 'refused':
    case 'unresolved':
    case 'certificate':
      return cannotTell(`the probe met ${http.kind}`);
  }
  if (socket.kind !== 'gateway') return cannotTell(`the socket met ${socket.kind}`);
  if (cutAfterMs !== null && cutAfterMs < PINGED_WITHIN_MS)
    return broken('external-idle-cut', { afterMs: cutAfterMs });
  if (certificate !== null && certificate.validUntilMs - atMs < EXPIRES_SOON_MS) {
    return {
      state: 'degraded',
      reason: 'external-certificate-expires',
      evidence: { validUntilMs: certificate.validUntilMs },
    };
  }
  return OK;
}

/** What is wrong outside whatever the links before it do. */
function externalFault(http: HttpSeen, socket: SocketSeen): LinkVerdict | null {
  if (http.kind === 'refused') return broken('external-unreachable');
  if (http.kind === 'unresolved') return broken('external-unresolved');
  if (http.kind === 'certificate')
    return broken('external-certificate-refused', { code: http.code });
  if (http.kind === 'other' && (http.status === 401 || http.status === 407))
    return broken('external-proxy-auth', { status: http.status });
  if (http.kind === 'gateway' && socket.kind === 'not-upgraded')
    return broken('external-no-upgrade', { status: socket.status });
  return null;
}

function changed(certificate: Certificate | null, pinned: string | null): boolean {
  return certificate !== null && pinned !== null && certificate.fingerprint !== pinned;
}
