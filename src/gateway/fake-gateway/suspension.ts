import type { Clock } from '../../platform/clock.ts';

export interface ActiveWork {
  readonly count: number;
  readonly blockers: readonly Readonly<Record<string, unknown>>[];
}

export type SuspensionPhase = 'accepting' | 'draining' | 'prepared';

interface Lease {
  readonly requestId: string;
  readonly drain: boolean;
  readonly suspensionId: string;
  expiresAt: number;
  deadline: number;
  ready: boolean;
}

const RETRY_AFTER_MS = 20_000;

/** The suspension lease of a boot: one holder, runs out unless renewed, refuses other work while it is held. */
export class Suspension {
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #activeWork: () => ActiveWork;
  #lease: Lease | null = null;

  constructor(options: {
    readonly clock: Clock;
    readonly leaseMs: number;
    readonly activeWork: () => ActiveWork;
  }) {
    this.#clock = options.clock;
    this.#leaseMs = options.leaseMs;
    this.#activeWork = options.activeWork;
  }

  phase(): SuspensionPhase {
    const lease = this.#current();
    if (lease === null) return 'accepting';
    return lease.ready ? 'prepared' : 'draining';
  }

  /** `conflict`: another request id (or the same with another drain flag) holds the lease. */
  prepare(
    requestId: string,
    drain: boolean,
  ): Readonly<Record<string, unknown>> | { readonly conflict: number } {
    const held = this.#current();
    if (held !== null && (held.requestId !== requestId || held.drain !== drain)) {
      return { conflict: held.expiresAt };
    }
    const work = this.#activeWork();
    if (held === null && !drain && work.count > 0) {
      return {
        status: 'busy',
        reason: 'active-work',
        retryAfterMs: RETRY_AFTER_MS,
        ...counts(work),
      };
    }
    const lease = held ?? this.#open(requestId, drain);
    lease.expiresAt = this.#clock.now() + this.#leaseMs;
    lease.deadline = this.#clock.monotonic() + this.#leaseMs;
    lease.ready = work.count === 0;
    return {
      status: lease.ready ? 'ready' : 'draining',
      suspensionId: lease.suspensionId,
      expiresAtMs: lease.expiresAt,
      ...counts(work),
      ...(lease.ready ? {} : { retryAfterMs: RETRY_AFTER_MS }),
    };
  }

  status(suspensionId: string): Readonly<Record<string, unknown>> | { readonly conflict: number } {
    const lease = this.#current();
    if (lease === null) return { status: 'running' };
    if (lease.suspensionId !== suspensionId) return { conflict: lease.expiresAt };
    const work = this.#activeWork();
    lease.ready = work.count === 0;
    if (lease.ready) return { status: 'ready', expiresAtMs: lease.expiresAt };
    return {
      status: 'draining',
      expiresAtMs: lease.expiresAt,
      retryAfterMs: RETRY_AFTER_MS,
      ...counts(work),
    };
  }

  /** False when another suspension is held; ending none is fine. */
  resume(suspensionId: string): { readonly ok: boolean; readonly resumed: boolean } {
    const lease = this.#current();
    if (lease === null) return { ok: true, resumed: false };
    if (lease.suspensionId !== suspensionId) return { ok: false, resumed: false };
    this.#lease = null;
    return { ok: true, resumed: true };
  }

  holds(suspensionId: string): boolean {
    return this.#current()?.suspensionId === suspensionId;
  }

  #open(requestId: string, drain: boolean): Lease {
    const lease: Lease = {
      requestId,
      drain,
      suspensionId: crypto.randomUUID(),
      expiresAt: 0,
      deadline: 0,
      ready: false,
    };
    this.#lease = lease;
    return lease;
  }

  #current(): Lease | null {
    if (
      this.#lease !== null &&
      this.#clock.monotonic() >= this.#lease.deadline &&
      this.#lease.deadline > 0
    ) {
      this.#lease = null;
    }
    return this.#lease;
  }
}

function counts(work: ActiveWork): Record<string, unknown> {
  return { activeCount: work.count, blockers: work.blockers };
}
