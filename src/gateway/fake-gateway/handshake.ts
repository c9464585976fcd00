import { formatValidationErrors, validateConnectParams } from '@openclaw/gateway-protocol';

import { asNumber, asRecord, asText, asTexts } from '../json-value.ts';

/** Where a connection comes from, as a real gateway judges it. */
export interface Origin {
  /** The request carried an Origin header: a browser, or a proxy that pretends to be one. */
  readonly hasOrigin: boolean;
  /** It carried none, or one that the gateway lets in. */
  readonly isAllowed: boolean;
  /** The request came through a proxy, so not from the gateway's own loopback. */
  readonly isRemote: boolean;
}

/** Pages of its own machine are let in on whatever port; of others those that the configuration names. */
export function letsIn(origin: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined || allowed.includes(origin)) return true;
  const host = URL.parse(origin)?.hostname;
  return host === 'localhost' || host === '127.0.0.1';
}

export type HandshakeVerdict =
  | { readonly kind: 'welcome'; readonly scopes: readonly string[] }
  | {
      readonly kind: 'refused';
      readonly closeCode: number;
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly details?: Readonly<Record<string, unknown>>;
        readonly retryable?: boolean;
        readonly retryAfterMs?: number;
      };
    };

export const WIRE_PROTOCOL = 4;

/** The pairs of client id and mode that get their scopes from the shared token alone, on loopback. */
const TRUSTED_PAIRS = new Set(['gateway-client/backend', 'cli/cli']);

/** The matrix of a connect with token auth, in the order in which the real gateway judges. */
export function judgeConnect(
  params: unknown,
  options: { readonly token: string; readonly origin: Origin },
): HandshakeVerdict {
  const connect = asRecord(params);
  const min = asNumber(connect['minProtocol']);
  const max = asNumber(connect['maxProtocol']);
  if (!validateConnectParams(params)) {
    const words = formatValidationErrors(validateConnectParams.errors);
    return refused(1008, 'INVALID_REQUEST', `invalid connect params: ${words}`);
  }
  if (min === null || max === null || min > WIRE_PROTOCOL || max < WIRE_PROTOCOL) {
    return refused(1002, 'INVALID_REQUEST', 'protocol mismatch', {
      code: 'PROTOCOL_MISMATCH',
      expectedProtocol: WIRE_PROTOCOL,
    });
  }
  if (!options.origin.isAllowed) {
    return refused(1008, 'INVALID_REQUEST', 'origin not allowed', {
      code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED',
    });
  }
  const auth = asRecord(connect['auth']);
  const token = asText(auth['token']);
  if (token === null) {
    return refused(1008, 'NOT_PAIRED', 'device identity required', {
      code: 'DEVICE_IDENTITY_REQUIRED',
    });
  }
  if (token !== options.token) {
    return refused(1008, 'INVALID_REQUEST', 'unauthorized: gateway token mismatch', {
      code: 'AUTH_TOKEN_MISMATCH',
    });
  }
  return grant(connect, options.origin);
}

function grant(connect: Readonly<Record<string, unknown>>, origin: Origin): HandshakeVerdict {
  const client = asRecord(connect['client']);
  const asked = asTexts(connect['scopes']);
  if (origin.isRemote && connect['device'] !== undefined) {
    const device = asRecord(connect['device']);
    return refused(1008, 'NOT_PAIRED', 'pairing required', {
      code: 'PAIRING_REQUIRED',
      reason: 'not-paired',
      requestId: crypto.randomUUID(),
      deviceId: device['id'],
      requestedScopes: asked,
    });
  }
  const trusted = TRUSTED_PAIRS.has(`${String(client['id'])}/${String(client['mode'])}`);
  const scopes = trusted && !origin.hasOrigin && !origin.isRemote ? asked : [];
  return { kind: 'welcome', scopes };
}

function refused(
  closeCode: number,
  code: string,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): HandshakeVerdict {
  return {
    kind: 'refused',
    closeCode,
    error: { code, message, ...(details === undefined ? {} : { details }) },
  };
}

/** Whether granted scopes cover a required one: admin implies all, write implies read. */
export function covers(granted: readonly string[], required: string): boolean {
  if (granted.includes('operator.admin') || granted.includes(required)) return true;
  return required === 'operator.read' && granted.includes('operator.write');
}
