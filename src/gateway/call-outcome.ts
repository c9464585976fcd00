import {
  GatewayProtocolRequestError,
  GatewayProtocolRequestTimeoutError,
} from '@openclaw/gateway-client/browser';

import { GatewayCallError } from './gateway-call-error.ts';
import { asRecord, asText } from './json-value.ts';

/** Codes with which a gateway answers before it starts anything. */
const NEVER_STARTED = new Set(['INVALID_REQUEST', 'FORBIDDEN', 'NOT_PAIRED', 'APPROVAL_NOT_FOUND']);

/**
 * Turns whatever a call ended with into a `GatewayCallError`. Total: an error without code, with null details or
 * of a foreign class is `unknown`, because nothing then proves that the gateway did not act.
 */
export function toCallError(method: string, error: unknown): GatewayCallError {
  if (error instanceof GatewayCallError) return error;
  if (error instanceof GatewayProtocolRequestError) return fromAnswer(method, error);
  const words = asText(asRecord(error)['message']) ?? 'it failed without a reason';
  if (error instanceof GatewayProtocolRequestTimeoutError) {
    return new GatewayCallError({
      method,
      code: 'TIMED_OUT',
      message: `no answer within ${error.timeoutMs} ms`,
      outcome: error.requestSent ? 'unknown' : 'refused',
      retryable: true,
      cause: error,
    });
  }
  const neverLeft = /gateway not connected/.test(words);
  return new GatewayCallError({
    method,
    code: neverLeft ? 'NOT_CONNECTED' : 'CONNECTION_LOST',
    message: words,
    outcome: neverLeft ? 'refused' : 'unknown',
    retryable: true,
    cause: error,
  });
}

function fromAnswer(method: string, error: GatewayProtocolRequestError): GatewayCallError {
  const code = asText(error.code) ?? 'UNAVAILABLE';
  const neverStarted = NEVER_STARTED.has(code) || (code === 'UNAVAILABLE' && error.retryable);
  const retryAfterMs =
    typeof error.retryAfterMs === 'number' && error.retryAfterMs >= 0 ? error.retryAfterMs : null;
  return new GatewayCallError({
    method,
    code,
    message: asText(error.message) ?? 'the gateway refused without a reason',
    outcome: neverStarted ? 'refused' : 'unknown',
    details: error.details,
    retryable: error.retryable,
    retryAfterMs,
    cause: error,
  });
}

/** An answer without the shape that the protocol promises: something happened, nobody can say what. */
export function badAnswer(method: string, expected: string): GatewayCallError {
  return new GatewayCallError({
    method,
    code: 'BAD_ANSWER',
    message: `the gateway answered without ${expected}`,
    outcome: 'unknown',
  });
}

/** Why a gateway takes no work now; null when the error says something else. */
export function refusalReason(
  error: GatewayCallError,
): 'draining' | 'starting' | 'suspended' | 'busy' | null {
  if (error.code !== 'UNAVAILABLE' || !error.retryable) return null;
  const phase = asText(asRecord(error.details)['phase']);
  switch (error.reason) {
    case 'gateway-suspending':
      return phase === 'prepared' ? 'suspended' : 'draining';
    case 'gateway-restarting':
    case 'gateway-draining':
      return 'draining';
    case 'startup-sidecars':
      return 'starting';
    case null:
    default:
      return 'busy';
  }
}
