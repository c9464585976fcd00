import type { Unreached } from '../domain/dashboard-chain/observation.ts';

/** What an error of a socket, TLS included, says of whom it did not reach. */
export function unreachedBy(error: unknown): Unreached {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === 'string') {
    if (code === 'ECONNREFUSED') return { kind: 'refused' };
    if (code === 'ECONNRESET' || code === 'EPIPE') return { kind: 'reset' };
    if (TIMED_OUT.has(code)) return { kind: 'timeout' };
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return { kind: 'unresolved' };
    if (/CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_/.test(code)) return { kind: 'certificate', code };
  }
  // A parse error means that something answered which is no HTTP at all: nobody can say what.
  return { kind: 'unknown', detail: typeof message === 'string' ? message : String(error) };
}

const TIMED_OUT: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ABORT_ERR',
  'UND_ERR_CONNECT_TIMEOUT',
]);
