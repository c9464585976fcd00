import type { OfferedGateway } from '../../src/db/claim.ts';
import { readOwnerEpoch, takeOwnership } from '../../src/db/gateway-ownership.ts';
import type { GatewayWriteResult } from '../../src/db/gateway-store.ts';
import type { HoldEnd } from '../../src/domain/hold.ts';
import { createWakeup, type Wakeup } from '../../src/platform/wakeup.ts';
import type { HeldGateway } from '../run-task/ports.ts';
import { GatewayTender } from './gateway-tender.ts';
import { createHoldLease, type AttachedActivity, type HoldLease } from './lease.ts';
import type { GatewayQueues, HoldDeps } from './ports.ts';

/** How long the loop pauses when PostgreSQL or the gateway did not answer. */
const TROUBLE_PAUSE_MS = 1_000;
/** The loop looks around this often even when nothing wakes it. */
const LOOK_AROUND_MS = 1_000;

/**
 * One gateway in the hands of this host (architecture section 7), until the host hands over, another host supersedes
 * it, or it is removed.
 *
 * A hold outlives the activity that began it: when Temporal loses sight of the activity, the hold keeps its
 * connection and its runs and waits to be joined (P32); only sending is fenced, by the lease (P24). It also outlives
 * the gateway's process, and keeps the control queue in every state but removed (P33).
 */
export class GatewayHold {
  readonly gatewayId: string;
  readonly lease: HoldLease;
  readonly tender: GatewayTender;
  /** Resolves once, with how the hold ended; nothing was aborted at the gateway. */
  readonly ended: Promise<HoldEnd>;
  readonly #deps: HoldDeps;
  readonly #news: Wakeup;
  readonly #stop = new AbortController();
  readonly #resolveEnd: (end: HoldEnd) => void;
  #held: HeldGateway | null = null;
  #queues: GatewayQueues | null = null;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  /** The greatest epoch this host has asked for: a row that shows it, or less, does not supersede this hold. */
  #claimedEpoch = 0;

  constructor(gatewayId: string, deps: HoldDeps) {
    this.gatewayId = gatewayId;
    this.#deps = deps;
    this.#news = createWakeup(deps.clock);
    const { promise, resolve } = Promise.withResolvers<HoldEnd>();
    this.ended = promise;
    this.#resolveEnd = resolve;
    this.lease = createHoldLease({
      heartbeat: deps.heartbeat,
      readOwnerEpoch: async () => (await readOwnerEpoch(deps.db, gatewayId))?.ownerEpoch ?? -1,
      clock: deps.clock,
      renewEveryMs: deps.timings.renewEveryMs,
      timeoutMs: deps.timings.holdTimeoutMs,
    });
    this.tender = new GatewayTender({
      gatewayId,
      deps,
      lease: this.lease,
      ending: this.#stop.signal,
      onNews: () => this.nudge(),
      onRefused: (written) => this.#onRefused(written),
    });
  }

  get hasEnded(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Takes the gateway's row with the activity's epoch, then renews for that activity. The first attach starts the
   * loop; a later one joins what lives: nothing is reopened (P32).
   */
  async attach(activity: AttachedActivity): Promise<void> {
    const { db, hostId } = this.#deps;
    const { gatewayId } = this;
    const { ownerEpoch } = activity;
    this.#claimedEpoch = Math.max(this.#claimedEpoch, ownerEpoch);
    const taken = await takeOwnership(db, { gatewayId, hostId, ownerEpoch }).catch((error) => {
      // Nothing lives yet: what never began must not count among the gateways that this host holds.
      if (this.#running === null) this.end({ kind: 'handed-over' });
      throw error;
    });
    if (taken.kind !== 'taken') return this.end({ kind: 'superseded' });
    this.lease.attach(activity);
    this.#running ??= this.#live();
    this.nudge();
  }

  /** Looks around now. */
  nudge(): void {
    this.#news.nudge();
  }

  /**
   * What `runTask` runs on; null before the first connection, and after the end. The same object as long as the
   * connection is the same: a run that finds another one starts from its row again.
   */
  held(): HeldGateway | null {
    const { connection } = this.tender;
    if (connection === null || this.hasEnded) return null;
    if (this.#held?.connection !== connection) {
      this.#held = {
        connection,
        ownerEpoch: () => this.lease.ownerEpoch(),
        permit: () => this.lease.permit(),
      };
    }
    return this.#held;
  }

  /** The lanes that this host may fill now (P16); null: none. The claim itself counts what is really free. */
  offered(): Pick<OfferedGateway, 'gatewayId' | 'ownerEpoch' | 'lanes'> | null {
    const { row, isReady } = this.tender;
    if (this.hasEnded || !isReady || row?.claimsOpen !== true || !this.lease.isFresh()) return null;
    const ownerEpoch = this.lease.ownerEpoch();
    return { gatewayId: this.gatewayId, ownerEpoch, lanes: row.lanes.configured };
  }

  /** Ends the hold, once; `close` waits until everything of it is closed. */
  end(how: HoldEnd): void {
    if (this.hasEnded) return;
    const { gatewayId, lease } = this;
    this.#deps.log.info({ gatewayId, ownerEpoch: lease.ownerEpoch(), end: how.kind }, 'hold ended');
    this.#stop.abort();
    this.lease.close();
    this.#resolveEnd(how);
    this.nudge();
  }

  /** Closes queues and connection; runs in the gateway go on. Not from inside one of the gateway's own activities. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.end({ kind: 'handed-over' });
    await this.#running;
    await this.#queues?.close();
    await this.tender.close();
  }

  async #live(): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.#queues ??= await this.#deps.openQueues(this.gatewayId);
        await this.#leaveIfSuperseded();
        if (!(await this.tender.turn())) this.end({ kind: 'removed' });
        await this.#news.pause(LOOK_AROUND_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ gatewayId: this.gatewayId, err: error }, 'a gateway could not be tended');
        await clock.sleep(TROUBLE_PAUSE_MS, signal);
      }
    }
  }

  /** A claim that is not fresh may be a claim that is lost: then let go, touching nothing. */
  async #leaveIfSuperseded(): Promise<void> {
    if (this.lease.isFresh()) return;
    const owner = await readOwnerEpoch(this.#deps.db, this.gatewayId);
    if (owner !== null && owner.ownerEpoch > this.#claimedEpoch) this.end({ kind: 'superseded' });
  }

  #onRefused(written: Exclude<GatewayWriteResult, { kind: 'ok' }>): void {
    if (written.kind === 'not-found') return this.end({ kind: 'removed' });
    if (written.ownerEpoch > this.#claimedEpoch) this.end({ kind: 'superseded' });
  }
}
