import type { LinkVerdict } from './link.ts';
import type { Certificate, ExternalSeen, HttpSeen, SocketSeen } from './observation.ts';
import { broken, cannotTell, OK } from './verdicts.ts';

export interface ExternalContext {
  /** What is said while a link before it is down; null: all of them work. */
  readonly waits: LinkVerdict | null;
  readonly isSameGateway: (http: HttpSeen) => boolean;
  /** The gateway lets the origins in where its host asks it. */
  readonly isOriginAccepted: boolean;
  readonly atMs: number;
  readonly pinnedFingerprint: string | null;
}

/** The server pings every 25 s: what is cut before that cuts everybody. */
const PINGED_WITHIN_MS = 25_000;
const EXPIRES_SOON_MS = 14 * 86_400_000;

/** What lies between people and the machine of the host: first its own faults, then what needs the links before it. */
export function diagnoseExternal(seen: ExternalSeen, context: ExternalContext): LinkVerdict {
  const { http, socket, certificate } = seen;
  return (
    certificateFault(certificate, context) ??
    ownFault(http, socket) ??
    context.waits ??
    httpFault(http, context) ??
    socketFault(seen, context) ??
    expiresSoon(certificate, context.atMs) ??
    OK
  );
}

function certificateFault(
  certificate: Certificate | null,
  { atMs, pinnedFingerprint }: ExternalContext,
): LinkVerdict | null {
  if (certificate === null) return null;
  const { fingerprint, validUntilMs } = certificate;
  if (pinnedFingerprint !== null && fingerprint !== pinnedFingerprint)
    return broken('external-certificate-changed', { fingerprint, pinned: pinnedFingerprint });
  return validUntilMs <= atMs ? broken('external-certificate-expired', { validUntilMs }) : null;
}

/** What is wrong outside whatever the links before it do. */
function ownFault(http: HttpSeen, socket: SocketSeen): LinkVerdict | null {
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

function httpFault(http: HttpSeen, { isSameGateway }: ExternalContext): LinkVerdict | null {
  switch (http.kind) {
    case 'gateway':
      return isSameGateway(http) ? null : broken('external-other-gateway');
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
}

/** Beside a page that the gateway itself has served. */
function socketFault(
  { socket, cutAfterMs }: ExternalSeen,
  { isOriginAccepted }: ExternalContext,
): LinkVerdict | null {
  if (socket.kind === 'unknown') return cannotTell(socket.detail);
  if (socket.kind !== 'gateway') return broken('external-socket-fails', { met: socket.kind });
  if (!socket.isOriginAccepted && isOriginAccepted) return broken('external-origin-rewritten');
  return cutAfterMs !== null && cutAfterMs < PINGED_WITHIN_MS
    ? broken('external-idle-cut', { afterMs: cutAfterMs })
    : null;
}

function expiresSoon(certificate: Certificate | null, atMs: number): LinkVerdict | null {
  if (certificate === null || certificate.validUntilMs - atMs >= EXPIRES_SOON_MS) return null;
  const { validUntilMs } = certificate;
  return { state: 'degraded', reason: 'external-certificate-expires', evidence: { validUntilMs } };
}
