/** SQLSTATEs by which PostgreSQL says: rolled back, and the same again may well succeed. */
const RETRYABLE = new Set([
  '25P04', // transaction_timeout
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/** The server is going, coming or has no room; the connection is of no use. */
const UNAVAILABLE = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
]);

const SOCKET_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/** True when the transaction was rolled back for a reason that a repetition may not meet. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(codeOf(error) ?? '');
}

/**
 * True when PostgreSQL could not be reached or went away: whoever answers a person says 503 and "later". What the
 * interrupted statement did is unknown; every function of schema `dash` may be called again.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null) {
    return SOCKET_ERRORS.has(code) || UNAVAILABLE.has(code) || code.startsWith('08');
  }
  return (
    error instanceof Error &&
    /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    )
  );
}

/** The error in one line, for a log. */
export function ended(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // One error per address that the host name has.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : null;
}
