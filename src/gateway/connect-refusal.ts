import type { ConnectionState } from './connection.ts';
import { asRecord, asText, asTexts } from './json-value.ts';

type Blocked = Extract<ConnectionState, { kind: 'blocked' }>;

/** What the gateway answered to `connect`, reduced to what the judgement needs. */
export interface ConnectRefusal {
  readonly code: string;
  readonly message: string;
  readonly details: unknown;
}

const PAIRING_CODES = new Set([
  'PAIRING_REQUIRED',
  'DEVICE_IDENTITY_REQUIRED',
  'CONTROL_UI_DEVICE_IDENTITY_REQUIRED',
]);

/**
 * Whether a refused connect needs a person (no further attempt can succeed), and what that person must do;
 * null: it is worth another try.
 */
export function blockOf(refusal: ConnectRefusal): Blocked | null {
  const detail = asText(asRecord(refusal.details)['code']) ?? '';
  if (detail === 'PROTOCOL_MISMATCH' || detail === 'CLIENT_VERSION_MISMATCH') {
    return protocolBlock(refusal.details);
  }
  if (PAIRING_CODES.has(detail) || detail.startsWith('DEVICE_AUTH_')) {
    return pairingBlock(refusal.details);
  }
  if (detail.startsWith('AUTH_') && detail !== 'AUTH_RATE_LIMITED') {
    return blocked(
      'auth',
      'auth',
      `The gateway refuses the token (${detail}). Register the gateway again with the token of its configuration (gateway.auth.token), then recover it.`,
    );
  }
  if (detail === 'CONTROL_UI_ORIGIN_NOT_ALLOWED') {
    return blocked(
      'auth',
      'auth',
      'The gateway saw an Origin header, which a proxy in between must have added. Remove it there, then recover the gateway.',
    );
  }
  if (refusal.code === 'INVALID_REQUEST' && /invalid connect params/i.test(refusal.message)) {
    return protocolBlock(refusal.details);
  }
  return null;
}

/** The hello of a connect that succeeded with fewer scopes than were asked for; null when all were granted. */
export function scopeBlockOf(asked: readonly string[], granted: readonly string[]): Blocked | null {
  const held = new Set(granted);
  if (held.has('operator.admin')) held.add('operator.write');
  if (held.has('operator.write')) held.add('operator.read');
  const missing = asked.filter((scope) => !held.has(scope));
  if (missing.length === 0) return null;
  return blocked(
    'scopes',
    'pairing',
    `The gateway connected but withholds ${missing.join(', ')}. It grants scopes to the shared token only on its own loopback: ` +
      'reach it there (for example through a forward), and let no proxy add an Origin or X-Forwarded-For header.',
  );
}

function protocolBlock(details: unknown): Blocked {
  const expected = asRecord(details)['expectedProtocol'];
  const spoken = typeof expected === 'number' ? ` (it speaks version ${expected})` : '';
  return blocked(
    'protocol',
    'protocol',
    `The gateway does not speak wire protocol 4${spoken}. Use an OpenClaw release that does (2026.9.x), then recover the gateway.`,
  );
}

function pairingBlock(details: unknown): Blocked {
  const record = asRecord(details);
  const requestId = asText(record['requestId']);
  const scopes = asTexts(record['requestedScopes']).join(', ');
  const how =
    requestId === null
      ? 'reach it on its own loopback, where the shared token suffices'
      : `approve the request on the gateway's machine: openclaw devices approve ${requestId}`;
  return blocked(
    'pairing',
    'pairing',
    `The gateway asks for a paired device${scopes === '' ? '' : ` (${scopes})`}: ${how}. Then recover the gateway.`,
  );
}

function blocked(reason: Blocked['reason'], failure: Blocked['failure'], hint: string): Blocked {
  return { kind: 'blocked', reason, failure, hint };
}
