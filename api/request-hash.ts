import { createHash } from 'node:crypto';

/** What an Idempotency-Key stands for: the content of a request, whatever the order of its properties. SHA-256, hex. */
export function requestHash(tenant: string, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([tenant, sorted(body)]))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, item]): [string, unknown] => [key, sorted(item)])
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
}
