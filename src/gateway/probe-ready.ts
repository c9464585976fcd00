import { asNumber, asRecord, asText, asTexts } from './json-value.ts';

export type Readiness =
  | { readonly kind: 'ready'; readonly uptimeMs: number | null }
  | { readonly kind: 'not-ready'; readonly failing: readonly string[] }
  | { readonly kind: 'unreachable'; readonly reason: string };

/**
 * Asks `/readyz` of a gateway, given its WebSocket endpoint. An answer that is not the probe's own (a page, another
 * program on the port) is `unreachable`: a wrong path of a gateway answers 200 with HTML.
 */
export async function probeReady(options: {
  readonly endpoint: string;
  readonly timeoutMs: number;
}): Promise<Readiness> {
  const url = `${options.endpoint.replace(/^ws/, 'http').replace(/\/+$/, '')}/readyz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(options.timeoutMs) });
    const body = asRecord(await response.json());
    if (typeof body['ready'] !== 'boolean') return { kind: 'unreachable', reason: 'not a gateway' };
    return body['ready'] && response.status === 200
      ? { kind: 'ready', uptimeMs: asNumber(body['uptimeMs']) }
      : { kind: 'not-ready', failing: asTexts(body['failing']) };
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
}

/** Reads the error by its fields: `fetch` hides the reason in its cause. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = asRecord(error);
  if (name === 'SyntaxError') return 'not a gateway';
  return asText(asRecord(cause)['message']) ?? asText(message) ?? 'no reason given';
}
