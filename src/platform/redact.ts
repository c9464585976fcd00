/**
 * Takes secrets out of what is about to be written down. By name at any depth (a field called
 * `authorization` is never shown, whatever it holds), and by look inside any text (bearer tokens,
 * API keys of Dash, passwords in URLs), because error messages quote what they were given.
 */
const SECRET_NAMES =
  /^(.*(token|secret|password|passwd|passphrase)|authorization|proxy-authorization|cookie|set-cookie|.*api[-_]?key|secret[-_]?key|private[-_]?key|.*credentials?)$/i;
const SECRET_LOOKS: readonly [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w~+/.=-]{8,}/gi, '$1 [redacted]'],
  [/\bdash_([a-z0-9]+)_[A-Za-z0-9]{8,}/g, 'dash_$1_[redacted]'],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, '$1:[redacted]@'],
];
const MAX_DEPTH = 8;

export const REDACTED = '[redacted]';

/** True when a field of this name is never shown. Counts (`inputTokens`) are not secrets. */
export function isSecretName(name: string): boolean {
  return SECRET_NAMES.test(name);
}

/** The text without what looks like a secret. */
export function redactText(text: string): string {
  return SECRET_LOOKS.reduce((shown, [look, instead]) => shown.replace(look, instead), text);
}

/**
 * A copy of `value` that may be shown: errors become plain objects with their causes, bytes their
 * length, anything deeper than eight levels or circular an ellipsis.
 */
export function redactDeep(value: unknown): unknown {
  return show(value, 0, new Set());
}

function show(value: unknown, depth: number, path: Set<object>): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH || path.has(value)) return '[…]';
  path.add(value);
  const shown = Array.isArray(value)
    ? value.map((item) => show(item, depth + 1, path))
    : showFields(value instanceof Error ? fieldsOf(value) : Object.entries(value), depth, path);
  path.delete(value);
  return shown;
}

function showFields(
  fields: readonly [string, unknown][],
  depth: number,
  path: Set<object>,
): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(([name, field]) => [
      name,
      isSecretName(name) && field !== null && field !== undefined && field !== ''
        ? REDACTED
        : show(field, depth + 1, path),
    ]),
  );
}

function fieldsOf(error: Error): [string, unknown][] {
  return [
    ['type', error.name],
    ['message', error.message],
    ['stack', error.stack],
    ...Object.entries(error),
    ...(error.cause === undefined ? [] : [['cause', error.cause] satisfies [string, unknown]]),
  ];
}
