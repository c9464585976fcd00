import { assertNever } from '../domain/assert-never.ts';
import type { ConnectionState } from './connection.ts';
import { GatewayCallError } from './gateway-call-error.ts';

/** Why nothing can be asked of a gateway now, after a wait of `timeoutMs`: nothing was sent, and what to do about it. */
export function notOpenError(state: ConnectionState, timeoutMs: number): GatewayCallError {
  const common = { method: 'connect', outcome: 'refused', retryable: true } as const;
  switch (state.kind) {
    case 'blocked':
      return new GatewayCallError({
        ...common,
        code: 'BLOCKED',
        message: state.hint,
        retryable: false,
      });
    case 'reconnecting':
      return new GatewayCallError({
        ...common,
        code: 'NOT_CONNECTED',
        message: `not reachable within ${timeoutMs} ms: ${state.lastError}`,
      });
    case 'connecting':
    case 'open':
    case 'closed':
      return new GatewayCallError({
        ...common,
        code: 'NOT_CONNECTED',
        message: `the connection is ${state.kind}`,
      });
    default:
      return assertNever(state);
  }
}
