import { PROTOCOL_VERSION } from '@openclaw/gateway-protocol/version';
import { WebSocket } from 'ws';
import type { SocketSeen } from '../domain/dashboard-chain/observation.ts';
import { asRecord, asText } from '../gateway/json-value.ts';
import { unreachedBy } from './unreached.ts';

/** The gateway checks the origin before everything else: whatever else it refuses, the origin was let in. */
const ORIGIN_REFUSED = 'CONTROL_UI_ORIGIN_NOT_ALLOWED';

/**
 * Opens a WebSocket as a page of this origin would, answers the challenge without any credential and reads the
 * refusal. Never rejects, and is over after `timeoutMs`.
 */
export async function probeSocket(options: {
  /** `http`, `https`, `ws` or `wss`. */
  readonly url: URL;
  readonly origin: string;
  readonly timeoutMs: number;
  readonly trustAny?: boolean;
}): Promise<SocketSeen> {
  const { url, origin, timeoutMs, trustAny = false } = options;
  const target = new URL(url);
  target.protocol = target.protocol.replace(/^http/, 'ws');
  const { promise, resolve } = Promise.withResolvers<SocketSeen>();
  const socket = new WebSocket(target, {
    origin,
    perMessageDeflate: false,
    maxPayload: 65_536,
    rejectUnauthorized: !trustAny,
  });
  let hasChallenged = false;
  socket.on('unexpected-response', (_request, response) => {
    resolve({ kind: 'not-upgraded', status: response.statusCode ?? 0 });
  });
  socket.on('error', (error) => resolve(unreachedBy(error)));
  socket.on('close', () => resolve(hasChallenged ? { kind: 'reset' } : { kind: 'silent' }));
  socket.on('message', (data: Buffer) => {
    const frame = frameOf(data);
    if (frame['type'] === 'event' && frame['event'] === 'connect.challenge') {
      hasChallenged = true;
      socket.send(JSON.stringify(connectAs('probe')));
    } else if (hasChallenged && frame['type'] === 'res') {
      resolve(refusalOf(frame));
    }
  });
  const late = setTimeout(() => {
    resolve(
      socket.readyState === WebSocket.OPEN && !hasChallenged
        ? { kind: 'silent' }
        : { kind: 'timeout' },
    );
  }, timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    // An error after the verdict has nobody to tell.
    socket.removeAllListeners().on('error', () => undefined);
    socket.terminate();
  }
}

/** The Control UI of a browser that has neither a token nor a device. */
function connectAs(id: string): object {
  return {
    type: 'req',
    id,
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
}

function refusalOf(frame: Readonly<Record<string, unknown>>): SocketSeen {
  const error = asRecord(frame['error']);
  const code = asText(asRecord(error['details'])['code']) ?? asText(error['code']) ?? '';
  return { kind: 'gateway', isOriginAccepted: code !== ORIGIN_REFUSED, code };
}

function frameOf(data: Buffer): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(data.toString()));
  } catch {
    return {};
  }
}
