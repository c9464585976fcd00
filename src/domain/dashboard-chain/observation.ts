/**
 * What probes of a chain met, in the words of the table of signatures (dashboard-chain-background.md 2.1). Probes
 * carry no credential; what they cannot tell is `unknown`, which is never the same as down.
 */

/** Of a connection that came to nothing. */
export type Unreached =
  | { readonly kind: 'refused' }
  /** Taken, then reset or closed before an answer: a forward whose target does not listen. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unresolved' }
  /** `code`: of OpenSSL, as Node names it. */
  | { readonly kind: 'certificate'; readonly code: string }
  /** The probe itself failed. */
  | { readonly kind: 'unknown'; readonly detail: string };

/** `GET /readyz`. */
export type HttpSeen =
  | {
      readonly kind: 'gateway';
      readonly ready: boolean;
      readonly failing: readonly string[];
      /**
       * When it booted, on the monotonic clock of the machine that asked: tells gateways apart without a credential,
       * whenever they were asked. null: it does not say.
       */
      readonly bootedAtMs: number | null;
    }
  /** Somebody answered, without the body of a gateway; status 0: and not in HTTP. */
  | { readonly kind: 'other'; readonly status: number }
  | Unreached;

/** `GET /`, where the host reaches the gateway. */
export type PageSeen =
  | { readonly kind: 'page' }
  /** An answer that is no page. */
  | { readonly kind: 'none'; readonly status: number }
  | Unreached;

/** A WebSocket with an origin and no credential: `connect`, and its refusal. */
export type SocketSeen =
  /** The gateway challenged; `isOriginAccepted`: it refused for something else than the origin. */
  | { readonly kind: 'gateway'; readonly isOriginAccepted: boolean; readonly code: string }
  /** An answer in place of the upgrade; status 0: not in HTTP. */
  | { readonly kind: 'not-upgraded'; readonly status: number }
  /** Open, and no challenge came. */
  | { readonly kind: 'silent' }
  | Unreached;

/** Who listens at a port of the machine of the host. */
export type Listener =
  | { readonly kind: 'none' }
  /** The process of the adapter, proved by its pid and start time. */
  | { readonly kind: 'own'; readonly bind: string }
  /** `owner`: program and pid, as far as the machine tells. */
  | { readonly kind: 'foreign'; readonly owner: string | null }
  | { readonly kind: 'unknown'; readonly detail: string };

export interface ForwardSeen {
  readonly name: string;
  readonly listener: Listener;
  readonly http: HttpSeen;
}

export interface OriginSeen {
  readonly origin: string;
  readonly socket: SocketSeen;
}

export interface Certificate {
  readonly fingerprint: string;
  readonly validUntilMs: number;
}

export interface ExternalSeen {
  readonly http: HttpSeen;
  readonly socket: SocketSeen;
  readonly certificate: Certificate | null;
  /** How long an idle socket was held before somebody closed it; null: it was held as long as the probe waited. */
  readonly cutAfterMs: number | null;
}

export interface ChainObservation {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The gateway, asked past its forward; null: there is no such way. */
  readonly direct: HttpSeen | null;
  readonly page: PageSeen;
  /** One for each forward of the contract, in its order. */
  readonly forwards: readonly ForwardSeen[];
  /** Origins that the gateway's configuration names; null: it could not be read. */
  readonly configuredOrigins: readonly string[] | null;
  /** One for each origin of the contract, asked where the host reaches the gateway. */
  readonly origins: readonly OriginSeen[];
  /** null: nothing lies between people and this machine. */
  readonly external: ExternalSeen | null;
}
