import type { DashboardChain, Forward } from '../domain/dashboard-chain/contract.ts';
import type {
  ChainObservation,
  ExternalSeen,
  ForwardSeen,
  HttpSeen,
  Listener,
} from '../domain/dashboard-chain/observation.ts';
import type { Clock } from '../platform/clock.ts';
import { holdSocket } from './hold-socket.ts';
import { probeCertificate } from './probe-certificate.ts';
import { probeHttp, probePage } from './probe-http.ts';
import { probeSocket } from './probe-socket.ts';

/** What an adapter of forwards tells of them; it may be wrong, and is never believed against behaviour. */
export interface ForwardsSeen {
  listener(forward: Forward): Promise<Listener>;
  /** Asks the gateway on its own machine, past the forward; null: there is no such way. */
  askDirectly(timeoutMs: number): Promise<HttpSeen | null>;
}

export interface ObserveOptions {
  readonly chain: DashboardChain;
  /** null: the gateway listens on this machine. */
  readonly forwards: ForwardsSeen | null;
  /** Origins that the gateway's configuration names; null: it cannot be read. */
  readonly configuredOrigins: () => Promise<readonly string[] | null>;
  /** Of a certificate that an operator trusts although nobody signed it; null: none. */
  readonly pinnedFingerprint: string | null;
  /** Of each probe, and of each question to the adapter. */
  readonly timeoutMs: number;
  /** How long an idle socket is held from outside; 0: not at all. */
  readonly holdMs: number;
  readonly clock: Clock;
}

/**
 * Looks at every link of a chain at once, without a credential, touching nothing; over within a few time-outs and the
 * hold. Never rejects: what a probe could not tell, or an adapter did not say in time, stands as `unknown`.
 */
export async function observeChain(options: ObserveOptions): Promise<ChainObservation> {
  const { chain, clock, timeoutMs } = options;
  const here = new URL(`http://127.0.0.1:${chain.port}`);
  const [direct, page, forwards, configuredOrigins, origins, external] = await Promise.all([
    askDirectly(options),
    probePage({ url: here, timeoutMs, clock }),
    Promise.all(chain.forwards.map((forward) => lookAtForward(options, forward))),
    inTime(options, () => options.configuredOrigins()).catch(() => null),
    Promise.all(
      chain.origins.map(async (origin) => ({
        origin,
        socket: await probeSocket({ url: here, origin, timeoutMs }),
      })),
    ),
    chain.isExternal ? lookFromOutside(options) : null,
  ]);
  return { atMs: clock.now(), direct, page, forwards, configuredOrigins, origins, external };
}

async function askDirectly(options: ObserveOptions): Promise<HttpSeen | null> {
  const { chain, forwards, timeoutMs, clock } = options;
  if (forwards !== null)
    return inTime(options, () => forwards.askDirectly(timeoutMs)).catch(unknown);
  const url = new URL(`http://127.0.0.1:${chain.gatewayPort}`);
  return probeHttp({ url, timeoutMs, clock });
}

async function lookAtForward(options: ObserveOptions, forward: Forward): Promise<ForwardSeen> {
  const { forwards, timeoutMs, clock } = options;
  const url = new URL(`http://127.0.0.1:${forward.port}`);
  const [listener, http] = await Promise.all([
    forwards === null
      ? unknown('no adapter')
      : inTime(options, () => forwards.listener(forward)).catch(unknown),
    probeHttp({ url, timeoutMs, clock }),
  ]);
  return { name: forward.name, listener, http };
}

/** An adapter may run somebody's command line, which hangs, or throws before it has begun. */
async function inTime<T>({ clock, timeoutMs }: ObserveOptions, ask: () => Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = clock.sleep(timeoutMs, answered.signal).then(() => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([(async () => ask())(), late]);
  } finally {
    late.catch(() => undefined);
    answered.abort();
  }
}

async function lookFromOutside(options: ObserveOptions): Promise<ExternalSeen> {
  const { chain, timeoutMs, holdMs, clock } = options;
  const url = new URL(chain.accessUrl);
  const presented =
    url.protocol === 'https:'
      ? await probeCertificate({ url, timeoutMs })
      : ({ kind: 'none' } as const);
  const certificate = presented.kind === 'presented' ? presented.certificate : null;
  // One that an operator has pinned is as good as one that is signed; any other is judged by the probes themselves.
  const trustAny = certificate !== null && certificate.fingerprint === options.pinnedFingerprint;
  const probe = { url, timeoutMs, trustAny, clock };
  const [http, socket, cutAfterMs] = await Promise.all([
    probeHttp(probe),
    probeSocket({ ...probe, origin: url.origin }),
    holdMs === 0 ? null : holdSocket({ ...probe, origin: url.origin, holdMs }),
  ]);
  return { http, socket, certificate, cutAfterMs };
}

function unknown(reason: unknown): { readonly kind: 'unknown'; readonly detail: string } {
  return { kind: 'unknown', detail: reason instanceof Error ? reason.message : String(reason) };
}
