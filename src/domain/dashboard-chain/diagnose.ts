import type { DashboardChain, Forward } from './contract.ts';
import { diagnoseExternal } from './diagnose-external.ts';
import type { ChainVerdict, LinkName, LinkVerdict } from './link.ts';
import type { ChainObservation, ForwardSeen, HttpSeen, SocketSeen } from './observation.ts';
import { broken, cannotTell, OK, weak } from './verdicts.ts';

/** What the verdict needs beside what was seen. */
export interface Circumstances {
  /** Down by plan, in words (`drained by ann`); null: it is meant to work. */
  readonly planned: string | null;
  /** Since the gateway's last start, as far as Dash knows; null: it does not. */
  readonly startedMsAgo: number | null;
  /** Origins that Dash itself has put into the gateway's configuration. */
  readonly placedOrigins: readonly string[];
  /** The certificate that an operator has trusted; null: any that the machine's roots accept. */
  readonly pinnedFingerprint: string | null;
}

/** Alone a gateway needs 8 to 12 s on two cores before it answers; of eight that start together the last needed 78 s. */
export const START_GRACE_MS = 120_000;
/** Two answers of one boot, less their time on the way. */
const SAME_BOOT_WITHIN_MS = 1_500;

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
  const [dashboard = OK, ...others] = chain.forwards.map((forward, index) =>
    forwardVerdict(forward, seen.forwards[index], { seen, gateway, isDashboard: index === 0 }),
  );
  // The way of the dashboard alone decides what can be said of the links behind it.
  const waits = behind({ gateway, forward: dashboard });
  const cors = waits ?? corsVerdict(chain, seen, circumstances);
  const external =
    seen.external === null
      ? OK
      : diagnoseExternal(seen.external, {
          waits,
          isSameGateway: (http) => isSameBoot(http, seen.direct) ?? true,
          isOriginAccepted: cors.state === 'ok',
          atMs: seen.atMs,
          pinnedFingerprint: circumstances.pinnedFingerprint,
        });
  const forward = [dashboard, ...others].find(({ state }) => state === 'broken') ?? dashboard;
  return { gateway, forward, cors, external };
}

/** Not there to be judged by: down, not to be told, or still starting. */
function isMissing(link: LinkVerdict): boolean {
  return (
    link.state === 'broken' ||
    link.state === 'unknown' ||
    (link.state === 'degraded' && link.reason === 'gateway-starting')
  );
}

function behind(links: Partial<Record<LinkName, LinkVerdict>>): LinkVerdict | null {
  for (const [name, verdict] of Object.entries(links) as [LinkName, LinkVerdict][]) {
    if (isMissing(verdict)) return behindOne(name);
  }
  return null;
}

function behindOne(behind: LinkName): LinkVerdict {
  return { state: 'unknown', behind, detail: `the ${behind} has to work first` };
}

function gatewayVerdict(seen: ChainObservation, { startedMsAgo }: Circumstances): LinkVerdict {
  const isStarting = startedMsAgo !== null && startedMsAgo < START_GRACE_MS;
  const unlessStarting = (verdict: LinkVerdict): LinkVerdict =>
    isStarting
      ? { state: 'degraded', reason: 'gateway-starting', evidence: { startedMsAgo } }
      : verdict;
  const met = bestAnswer(seen);
  switch (met.kind) {
    case 'gateway': {
      const { failing } = met;
      if (met.ready)
        return seen.page.kind === 'none'
          ? broken('gateway-no-dashboard', { status: seen.page.status })
          : OK;
      return unlessStarting({
        state: 'degraded',
        reason: 'gateway-not-ready',
        evidence: { failing },
      });
    }
    case 'refused':
      return unlessStarting(broken('gateway-not-listening'));
    case 'reset':
      return unlessStarting(broken('gateway-resets'));
    case 'timeout':
      return unlessStarting(broken('gateway-hung'));
    case 'other':
      // R60: on its own loopback a gateway that asks for a credential lives; anywhere else a 401 proves nothing.
      if (met.status === 401 && met === seen.direct) return OK;
      return broken('gateway-foreign-answer', { status: met.status });
    case 'certificate':
    case 'unresolved':
      return cannotTell(`the probe met ${met.kind}`);
    case 'unknown':
      return cannotTell(met.detail);
  }
}

/**
 * What was asked past the forward may fail by itself (a command line that hangs), so a gateway that answers through
 * its own forward lives whatever the direct way says (R61). Without a direct way nothing else is known of it.
 */
function bestAnswer({ direct, forwards: [dashboard] }: ChainObservation): HttpSeen {
  const isOwn = dashboard !== undefined && dashboard.listener.kind !== 'foreign';
  if (
    isOwn &&
    dashboard.http.kind === 'gateway' &&
    direct?.kind !== 'gateway' &&
    direct?.kind !== 'refused'
  )
    return dashboard.http;
  return direct ?? { kind: 'unknown', detail: 'it cannot be asked past its forward' };
}

interface ForwardContext {
  readonly seen: ChainObservation;
  readonly gateway: LinkVerdict;
  readonly isDashboard: boolean;
}

function forwardVerdict(
  { name, bind }: Forward,
  found: ForwardSeen | undefined,
  context: ForwardContext,
): LinkVerdict {
  if (found === undefined) return cannotTell(`the forward ${name} was not looked at`);
  const { listener, http } = found;
  const isOurs = context.isDashboard && isProvedOurs(found, context.seen.direct);
  if (listener.kind === 'own' && listener.bind !== bind)
    return broken('forward-wrong-bind', { forward: name, bind: listener.bind, wanted: bind });
  // Whoever listens, and whatever a list says: it is the way to this gateway, proved by behaviour.
  if (isOurs) return OK;
  if (listener.kind === 'foreign')
    return broken('forward-foreign-listener', { forward: name, owner: listener.owner });
  if (http.kind === 'refused' || (listener.kind === 'none' && http.kind !== 'gateway'))
    return broken('forward-no-listener', { forward: name });
  // Further ports carry what Dash does not know: that something of its own listens is all it can tell.
  return context.isDashboard ? dashboardForward(name, found, context) : OK;
}

/** The gateway answered, and it is the one that was meant, or nothing speaks against it. */
function isProvedOurs({ listener, http }: ForwardSeen, direct: HttpSeen | null): boolean {
  if (http.kind !== 'gateway') return false;
  return isSameBoot(http, direct) ?? listener.kind !== 'foreign';
}

function dashboardForward(
  forward: string,
  { listener, http }: ForwardSeen,
  { seen, gateway }: ForwardContext,
): LinkVerdict {
  const isOwn = listener.kind === 'own';
  const waits = seen.direct !== null && isMissing(gateway);
  switch (http.kind) {
    case 'gateway':
      return broken('forward-crossed', { forward });
    case 'other':
      if (!isOwn) return broken('forward-foreign-listener', { forward, owner: null });
      return waits || seen.direct?.kind === 'other'
        ? sameThere(seen.direct)
        : broken('forward-wrong-target', { forward });
    case 'reset':
      return waits ? behindOne('gateway') : broken('forward-wrong-target', { forward });
    case 'timeout':
      return waits ? behindOne('gateway') : broken('forward-hung', { forward });
    case 'refused':
      return broken('forward-no-listener', { forward });
    case 'certificate':
    case 'unresolved':
      return cannotTell(`the probe met ${http.kind}`);
    case 'unknown':
      return cannotTell(http.detail);
  }
}

/** Our own forward shows what is there at the other end, and that is not its fault. */
function sameThere(direct: HttpSeen | null): LinkVerdict {
  return direct?.kind === 'other' && direct.status === 401 ? OK : behindOne('gateway');
}

/** null: there is nothing to tell it by. */
function isSameBoot(http: HttpSeen, direct: HttpSeen | null): boolean | null {
  if (http.kind !== 'gateway' || direct?.kind !== 'gateway') return null;
  if (http.bootedAtMs === null || direct.bootedAtMs === null) return null;
  return Math.abs(http.bootedAtMs - direct.bootedAtMs) < SAME_BOOT_WITHIN_MS;
}

function corsVerdict(
  chain: DashboardChain,
  { origins, configuredOrigins }: ChainObservation,
  { placedOrigins }: Circumstances,
): LinkVerdict {
  const refused = origins.filter(({ socket }) => refusesOrigin(socket)).map(({ origin }) => origin);
  if (refused.length > 0) {
    const isConfigured =
      configuredOrigins !== null && refused.every((origin) => configuredOrigins.includes(origin));
    return broken(isConfigured ? 'cors-origins-not-effective' : 'cors-origin-refused', {
      origins: refused,
    });
  }
  const untold = origins.find(({ socket }) => socket.kind !== 'gateway');
  if (untold !== undefined)
    return cannotTell(`the probe with the origin ${untold.origin} met ${untold.socket.kind}`);
  if (configuredOrigins?.includes('*') === true) return weak('cors-open-to-all');
  const leftOver = placedOrigins.filter(
    (origin) => configuredOrigins?.includes(origin) === true && !chain.origins.includes(origin),
  );
  return leftOver.length === 0 ? OK : weak('cors-origin-left-over', { origins: leftOver });
}

function refusesOrigin(socket: SocketSeen): boolean {
  return socket.kind === 'gateway' && !socket.isOriginAccepted;
}
