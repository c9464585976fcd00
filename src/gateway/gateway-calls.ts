import type { Permit } from './connection.ts';
import type { JsonRecord } from './json-value.ts';

/** One call as the method files make it; the connection adds the socket, the time-out and the checks. */
export interface GatewayCallRequest {
  readonly method: string;
  readonly params: JsonRecord;
  readonly timeoutMs?: number;
  readonly permit?: Permit;
  readonly traceparent?: string;
  readonly bootId?: string;
}

export type GatewayCall = (request: GatewayCallRequest) => Promise<unknown>;
