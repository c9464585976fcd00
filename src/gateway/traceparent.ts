import { createHash } from 'node:crypto';

/**
 * The W3C `traceparent` under which a frame travels, derived from Dash's correlation id: the same id gives the
 * same trace, so that the gateway's logs and Dash's events meet. A correlation id that is a trace id (32 hex
 * digits) is used as it is.
 */
export function traceparentOf(correlationId: string, spanName: string): string {
  const isTraceId = /^(?!0{32})[0-9a-f]{32}$/.test(correlationId);
  const traceId = isTraceId ? correlationId : hex(`trace:${correlationId}`, 32);
  return `00-${traceId}-${hex(`span:${correlationId}:${spanName}`, 16)}-01`;
}

function hex(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
