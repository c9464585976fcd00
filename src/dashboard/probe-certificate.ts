import { connect, type TLSSocket } from 'node:tls';
import type { Certificate, Unreached } from '../domain/dashboard-chain/observation.ts';
import { unreachedBy } from './unreached.ts';

export type CertificateSeen =
  | {
      readonly kind: 'presented';
      readonly certificate: Certificate;
      /** Why this machine does not trust it, as OpenSSL says; null: it does. */
      readonly distrust: string | null;
    }
  | Unreached;

/** Looks at the certificate of an `https` URL, whatever it is, and sends nothing. Never rejects. */
export async function probeCertificate(options: {
  readonly url: URL;
  readonly timeoutMs: number;
}): Promise<CertificateSeen> {
  const { url, timeoutMs } = options;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    host,
    port: url.port === '' ? 443 : Number(url.port),
    ...(isName(host) ? { servername: host } : {}),
    // To see one that is not trusted; it is judged below, and nothing is ever sent here.
    rejectUnauthorized: false,
  });
  socket.once('secureConnect', () => resolve());
  socket.once('error', reject);
  socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  socket.setTimeout(timeoutMs, () =>
    socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })),
  );
  try {
    await promise;
    return presentedBy(socket);
  } catch (error) {
    return unreachedBy(error);
  } finally {
    socket.destroy();
  }
}

function presentedBy(socket: TLSSocket): CertificateSeen {
  const { fingerprint256, valid_to: validTo } = socket.getPeerCertificate();
  const error: unknown = socket.authorizationError;
  return {
    kind: 'presented',
    certificate: {
      fingerprint: fingerprint256,
      validUntilMs: Date.parse(validTo),
    },
    distrust: socket.authorized ? null : codeOf(error),
  };
}

/** Node documents an error and gives its code. */
function codeOf(error: unknown): string {
  return error instanceof Error
    ? ((error as NodeJS.ErrnoException).code ?? error.message)
    : String(error);
}

/** TLS names servers, not addresses. */
function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(':');
}
