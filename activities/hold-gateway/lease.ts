import type { Clock } from '../../src/platform/clock.ts';

/**
 * A host's proof that it still owns a gateway (protocol P24, P16, P26).
 *
 * The renewal is an awaited, acknowledged heartbeat of the running `holdGateway` activity; its age counts, on a
 * monotonic clock, from the *sending* of the last acknowledged one, so neither a frozen process nor a slow answer
 * can make an old claim look young. While the age is below half the time-out the host may send; else it asks
 * PostgreSQL, and sends only in the tick of the answer "the epoch is ours". Without any answer it does not send.
 */
export interface HoldLease {
  /** The epoch under which this host owns the gateway; 0 before the first attach. */
  ownerEpoch(): number;
  /** True while the last acknowledged renewal is young enough to bind new work (P16). */
  isFresh(): boolean;
  /** Called in the same tick as each mutating frame; throws `NotPermitted` when nothing may be sent. */
  permit(): void | Promise<void>;
  /** Starts renewing for an activity that has just begun, or that joins a hold which already lives here. */
  attach(activity: AttachedActivity): void;
  /** Stops renewing. */
  close(): void;
}

export interface AttachedActivity {
  readonly taskToken: Uint8Array;
  readonly ownerEpoch: number;
  /** The server no longer knows the activity (timed out, replaced): the activity detaches, the hold lives on. */
  readonly onGone: () => void;
}

export interface HoldLeaseOptions {
  /** One acknowledged heartbeat, ended after `deadlineMs`. Answers `gone` when the server does not know the token. */
  readonly heartbeat: (
    taskToken: Uint8Array,
    deadlineMs: number,
  ) => Promise<'acknowledged' | 'gone'>;
  /** `gateways.owner_epoch` now; rejects when PostgreSQL does not answer in time. */
  readonly readOwnerEpoch: () => Promise<number>;
  readonly clock: Clock;
  readonly renewEveryMs: number;
  /** The activity's heartbeat time-out. */
  readonly timeoutMs: number;
}

/** Why a host may not send. Nothing was sent; the run detaches and whoever owns the gateway goes on with it. */
export class NotPermitted extends Error {
  override readonly name = 'NotPermitted';
  readonly reason: 'superseded' | 'unproven';
  constructor(reason: 'superseded' | 'unproven', options?: { cause?: unknown }) {
    super(
      reason === 'superseded'
        ? 'another host owns this gateway now'
        : 'neither Temporal nor PostgreSQL confirms that this host still owns the gateway',
      options,
    );
    this.reason = reason;
  }
}

/** How long an answer of PostgreSQL may have taken and still prove ownership. */
const PROOF_MAX_AGE_MS = 1_000;
const SHORTEST_PAUSE_MS = 50;

export function createHoldLease(options: HoldLeaseOptions): HoldLease {
  return new RenewedLease(options);
}

class RenewedLease implements HoldLease {
  readonly #options: HoldLeaseOptions;
  #ownerEpoch = 0;
  #lastAcknowledgedSentAt = Number.NEGATIVE_INFINITY;
  #renewal: AbortController | null = null;
  #attached: AttachedActivity | null = null;

  constructor(options: HoldLeaseOptions) {
    this.#options = options;
  }

  ownerEpoch(): number {
    return this.#ownerEpoch;
  }

  isFresh(): boolean {
    const { clock, timeoutMs } = this.#options;
    return (
      this.#renewal !== null && clock.monotonic() - this.#lastAcknowledgedSentAt < timeoutMs / 2
    );
  }

  permit(): void | Promise<void> {
    return this.isFresh() ? undefined : this.#askDatabase();
  }

  attach(activity: AttachedActivity): void {
    this.close();
    // The server has given the hold to a new activity: the one before is over for it, and must not wait for ever.
    this.#attached?.onGone();
    this.#attached = activity;
    this.#ownerEpoch = activity.ownerEpoch;
    // The start of the activity was acknowledged by the server just now, but when that left the server is not known
    // here: the first renewal decides.
    this.#lastAcknowledgedSentAt = Number.NEGATIVE_INFINITY;
    this.#renewal = new AbortController();
    void this.#renewWhile(activity, this.#renewal.signal);
  }

  close(): void {
    this.#renewal?.abort();
    this.#renewal = null;
  }

  async #renewWhile(activity: AttachedActivity, stopped: AbortSignal): Promise<void> {
    const { clock, heartbeat, renewEveryMs } = this.#options;
    while (!stopped.aborted) {
      const sentAt = clock.monotonic();
      // Refused or late: the age goes on counting, which is all that matters here.
      const answer = await heartbeat(activity.taskToken, renewEveryMs).catch(() => 'no answer');
      if (stopped.aborted) return;
      if (answer === 'acknowledged') {
        this.#lastAcknowledgedSentAt = Math.max(this.#lastAcknowledgedSentAt, sentAt);
      }
      if (answer === 'gone') {
        this.close();
        this.#attached = null;
        activity.onGone();
        return;
      }
      const spentMs = clock.monotonic() - sentAt;
      await clock.sleep(Math.max(renewEveryMs - spentMs, SHORTEST_PAUSE_MS), stopped);
    }
  }

  async #askDatabase(): Promise<void> {
    const { clock, readOwnerEpoch } = this.#options;
    const askedAt = clock.monotonic();
    const epoch = await readOwnerEpoch().catch((cause: unknown) => {
      throw new NotPermitted('unproven', { cause });
    });
    if (epoch !== this.#ownerEpoch) throw new NotPermitted('superseded');
    // A process that was frozen while the answer lay in its socket must not believe it.
    if (clock.monotonic() - askedAt > PROOF_MAX_AGE_MS) throw new NotPermitted('unproven');
  }
}
