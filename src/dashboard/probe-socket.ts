import { PROTOCOL_VERSION } from '@openclaw/gateway-protocol/version';
import { WebSocket } from 'ws';
import type { SocketSeen } from '../domain/dashboard-chain/observation.ts';
import { asRecord, asText } from '../gateway/json-value.ts';
import { isOtherProtocol, unreachedBy } from './unreached.ts';

/** The gateway checks the origin before any credential; what it refuses before that says nothing of the origin. */
const ORIGIN_REFUSED = 'CONTROL_UI_ORIGIN_NOT_ALLOWED';
const PAST_THE_ORIGIN =
  /^(AUTH_|DEVICE_|PAIRING_|NOT_PAIRED$|CONTROL_UI_DEVICE_IDENTITY_REQUIRED$)/;

export interface SocketProbe {
  /** `http`, `https`, `ws` or `wss`. */
  readonly url: URL;
  readonly origin: string;
  readonly timeoutMs: number;
  /** The certificate was judged before. */
  readonly trustAny?: boolean;
}

/**
 * Opens a WebSocket as a page of this origin would, answers the challenge without any credential and reads the
 * refusal. Never rejects, and is over after `timeoutMs`.
 */
export async function probeSocket(probe: SocketProbe): Promise<SocketSeen> {
  const { promise, resolve } = Promise.withResolvers<SocketSeen>();
  const socket = openSocket(probe);
  let hasChallenged = false;
  socket.on('unexpected-response', (_request, response) => {
    resolve({ kind: 'not-upgraded', status: response.statusCode ?? 0 });
  });
  socket.on('error', (error) =>
    resolve(isOtherProtocol(error) ? { kind: 'not-upgraded', status: 0 } : unreachedBy(error)),
  );
  socket.on('close', () => resolve(hasChallenged ? { kind: 'reset' } : { kind: 'silent' }));
  socket.on('message', (data: Buffer) => {
    const frame = frameOf(data);
    if (frame['type'] === 'event' && frame['event'] === 'connect.challenge') {
      hasChallenged = true;
      socket.send(JSON.stringify(CONNECT));
    } else if (hasChallenged && frame['type'] === 'res') {
      resolve(refusalOf(frame));
    }
  });
  const late = setTimeout(() => {
    const isSilent = socket.readyState === WebSocket.OPEN && !hasChallenged;
    resolve(isSilent ? { kind: 'silent' } : { kind: 'timeout' });
  }, probe.timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    // An error after the verdict has nobody to tell.
    socket.removeAllListeners().on('error', () => undefined);
    socket.terminate();
  }
}

/** A socket as browsers open it: with an origin, past every proxy of the environment. */
export function openSocket({ url, origin, trustAny = false }: SocketProbe): WebSocket {
  const target = new URL(url);
  target.protocol = target.protocol.replace(/^http/, 'ws');
  target.hash = '';
  return new WebSocket(target, {
    origin,
    perMessageDeflate: false,
    maxPayload: 65_536,
    rejectUnauthorized: !trustAny,
  });
}

/** The Control UI of a browser that has neither a token nor a device. */
const CONNECT = {
  type: 'req',
  id: 'probe',
  method: 'connect',
  params: {
    minProtocol: PROTOCOL_VERSION,
    maxProtocol: PROTOCOL_VERSION,
    client: { id: 'openclaw-control-ui', mode: 'webchat', version: '0.1.0', platform: 'web' },
    role: 'operator',
    scopes: ['operator.read'],
    caps: [],
  },
};

function refusalOf(frame: Readonly<Record<string, unknown>>): SocketSeen {
  // A gateway without authentication lets everybody in, whose origin it has let in before.
  if (frame['ok'] === true) return { kind: 'gateway', isOriginAccepted: true, code: '' };
  const error = asRecord(frame['error']);
  const code = asText(asRecord(error['details'])['code']) ?? asText(error['code']) ?? '';
  if (code === ORIGIN_REFUSED) return { kind: 'gateway', isOriginAccepted: false, code };
  return PAST_THE_ORIGIN.test(code)
    ? { kind: 'gateway', isOriginAccepted: true, code }
    : { kind: 'unknown', detail: `the gateway refused before it looked at the origin: ${code}` };
}

function frameOf(data: Buffer): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(data.toString()));
  } catch {
    return {};
  }
}
