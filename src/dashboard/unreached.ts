import type { Unreached } from '../domain/dashboard-chain/observation.ts';

/** Something answered that does not speak HTTP: another program. */
export function isOtherProtocol(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.startsWith('HPE_');
}

/** What an error of a socket, TLS included, says of whom it did not reach. */
export function unreachedBy(error: unknown): Unreached {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code === 'string') {
    if (NOBODY.has(code)) return { kind: 'refused' };
    if (code === 'ECONNRESET' || code === 'EPIPE') return { kind: 'reset' };
    if (TIMED_OUT.has(code)) return { kind: 'timeout' };
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return { kind: 'unresolved' };
    // EPROTO: it speaks no TLS at all.
    if (/CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|SELF_SIGNED|UNABLE_TO_/.test(code))
      return { kind: 'certificate', code };
  }
  return { kind: 'unknown', detail: typeof message === 'string' ? message : String(error) };
}

const NOBODY: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);
const TIMED_OUT: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'ABORT_ERR',
  'UND_ERR_CONNECT_TIMEOUT',
]);
