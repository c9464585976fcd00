import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import {
  getGateway,
  recordObservation,
  writeGatewayState,
  type GatewayWriteResult,
} from '../../src/db/gateway-store.ts';
import { takesWork } from '../../src/domain/gateway.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import {
  ensureProcess,
  forgetStarts,
  report,
  reportConnection,
  reportOpen,
  type GatewayReport,
} from './bring-up.ts';
import type { HoldLease } from './lease.ts';
import { observeAgainInMs, observeLoad, reviewIndeterminate } from './observe.ts';
import type { HoldDeps } from './ports.ts';
import { ReviewPace } from './review-pace.ts';

/** How long one turn waits for a connection before it reports and looks around again. */
const CONNECT_SLICE_MS = 5_000;
/** A managed process gets SIGKILL after this (P34). */
const STOP_BOUND_MS = 10_000;

export interface TenderOptions {
  readonly gatewayId: string;
  readonly deps: HoldDeps;
  readonly lease: HoldLease;
  /** Aborts when the hold ends: what takes long is given up. */
  readonly ending: AbortSignal;
  /** Something happened that deserves a turn. */
  readonly onNews: () => void;
  /** A write was refused: this host is not the owner, or there is no such gateway. */
  readonly onRefused: (written: Exclude<GatewayWriteResult, { kind: 'ok' }>) => void;
}

/**
 * Brings one gateway to what is wanted of it and keeps it there. Level-triggered: each turn compares the wish in the
 * row with what is, and takes the next step, so that a lost message, or a crash between two steps, costs one turn.
 */
export class GatewayTender {
  readonly #options: TenderOptions;
  readonly #deps: HoldDeps;
  #connection: GatewayConnection | null = null;
  #endpoint = '';
  #row: GatewayRecord | null = null;
  #ready = false;
  #paused = false;
  #stopForced = false;
  /** True once a process came up, or failed to, under this hold: the next start counts as unclean. */
  #started = false;
  #observeAt = Number.NEGATIVE_INFINITY;
  readonly #reviews: ReviewPace;
  #retryAt = Number.NEGATIVE_INFINITY;

  constructor(options: TenderOptions) {
    this.#options = options;
    this.#deps = options.deps;
    const { clock, timings } = options.deps;
    this.#reviews = new ReviewPace({ clock, everyMs: timings.reviewEveryMs });
  }

  /** The gateway as last read; null: not read yet, or there is none. */
  get row(): GatewayRecord | null {
    return this.#row;
  }

  /** True when work may flow: connected, and this boot and state directory are known. */
  get isReady(): boolean {
    return this.#ready && this.openConnection() !== null;
  }

  get connection(): GatewayConnection | null {
    return this.#connection;
  }

  /** The connection, if calls can be made over it now. */
  openConnection(): GatewayConnection | null {
    return this.#connection?.state().kind === 'open' ? this.#connection : null;
  }

  /** One turn. Answers false when the gateway is removed. Throws when PostgreSQL or the gateway do not answer. */
  async turn(): Promise<boolean> {
    const gateway = await this.readRow();
    if (gateway === null) return false;
    if (gateway.state === 'removed') {
      if (gateway.kind === 'managed') await this.#endProcess(gateway);
      return false;
    }
    if (!this.#paused && this.#deps.clock.monotonic() >= this.#retryAt) await this.#step(gateway);
    return true;
  }

  async readRow(): Promise<GatewayRecord | null> {
    const before = this.#row;
    this.#row = await getGateway(this.#deps.db, this.#options.gatewayId);
    if (before?.claimsOpen === false && this.#row?.claimsOpen === true) this.#deps.onClaimable();
    return this.#row;
  }

  /** Forgets back-offs, blocks and the restart budget. */
  async recover(): Promise<void> {
    await forgetStarts(this.#deps, this.#options.gatewayId);
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.#started = false;
    if (this.openConnection() !== null) return;
    // A new one reads the token and the endpoint anew: what was wrong with either may have been mended.
    const former = this.#connection;
    this.#connection = null;
    await former?.close();
  }

  /** Ends a managed process in bounded time; the next turn decides whether it starts again. */
  async stopProcess(): Promise<void> {
    this.#paused = true;
    this.#ready = false;
    try {
      const gateway = await this.readRow();
      if (gateway?.kind === 'managed') await this.#endProcess(gateway);
      // Asked for at the bound of a drain: what still holds a lane does not bring the process back.
      this.#stopForced = gateway?.desiredState === 'stopped';
    } finally {
      this.#paused = false;
    }
  }

  /** Asks an adopted gateway to restart by its own means. */
  async requestRestart(reason: string): Promise<void> {
    await this.openConnection()?.requestRestart({ reason, permit: this.#permit });
    this.#ready = false;
  }

  async close(): Promise<void> {
    this.#ready = false;
    await this.#connection?.close();
  }

  readonly #permit = (): void | Promise<void> => this.#options.lease.permit();

  async #step(gateway: GatewayRecord): Promise<void> {
    if (gateway.desiredState !== 'stopped') this.#stopForced = false;
    else if (gateway.lanes.held === 0 || this.#stopForced) return this.#settleStopped(gateway);
    const endpoint = await this.#findEndpoint(gateway);
    if (endpoint === null) return;
    await this.#connect(gateway.id, endpoint);
    if (this.openConnection() === null) return;
    if (!this.#ready) await this.#preflight(gateway);
    await this.#tend(gateway);
  }

  async #settleStopped(gateway: GatewayRecord): Promise<void> {
    this.#ready = false;
    if (gateway.kind === 'managed' && (await this.#deps.managed?.lives(gateway))) {
      await this.#endProcess(gateway);
    }
    await this.#connection?.close();
    this.#connection = null;
    await this.#report(gateway, report('stopped'));
  }

  async #endProcess(gateway: GatewayRecord): Promise<void> {
    const connection = this.openConnection();
    await this.#deps.managed?.stop(gateway, { connection, boundMs: STOP_BOUND_MS });
    this.#started = false;
  }

  /** Where the gateway answers; null: its process is not there, which has been reported. */
  async #findEndpoint(gateway: GatewayRecord): Promise<string | null> {
    if (gateway.kind === 'adopted' || this.openConnection() !== null) return gateway.endpoint;
    if (this.#started && (await this.#deps.managed?.lives(gateway))) return gateway.endpoint;
    this.#ready = false;
    await this.#report(gateway, report('starting', 'its process starts'));
    const { ending } = this.#options;
    const unclean = this.#started;
    const token = await this.#deps.readToken(gateway.id);
    const process = await ensureProcess(this.#deps, gateway, { token, unclean, signal: ending });
    if (ending.aborted) return null;
    // A start that did not become ready counts like a process that ended: the budget stops a loop of either.
    this.#started = true;
    if (process.kind === 'not-ready') {
      const pauseMs = process.retryInMs ?? Number.POSITIVE_INFINITY;
      this.#retryAt = this.#deps.clock.monotonic() + pauseMs;
      await this.#report(gateway, process.report);
      return null;
    }
    await this.#record({ endpoint: process.endpoint, process: process.process });
    this.#connection?.retryNow();
    return process.endpoint;
  }

  async #connect(id: string, endpoint: string): Promise<void> {
    if (this.#connection === null || this.#endpoint !== endpoint) {
      // Its port was taken by somebody else: the gateway answers at another one now.
      await this.#connection?.close();
      this.#endpoint = endpoint;
      const connection = this.#deps.connect({ id, endpoint }, await this.#deps.readToken(id));
      connection.onState(this.#options.onNews);
      connection.onRunMove(() => this.#reviews.runMoved());
      connection.onBoot(() => {
        this.#ready = false;
        this.#options.onNews();
      });
      this.#connection = connection;
    }
    const connection = this.#connection;
    if (connection.state().kind !== 'open') {
      this.#ready = false;
      // What became of it is read from its state just below.
      await connection.whenOpen({ timeoutMs: CONNECT_SLICE_MS }).catch(() => undefined);
    }
    const trouble = reportConnection(connection);
    if (trouble === null) return;
    // A blocked connection waits for a person: no turn knocks again before a recover.
    if (trouble.state === 'failed') this.#retryAt = Number.POSITIVE_INFINITY;
    await this.#report(this.#row, trouble);
  }

  /** First contact with this boot: whose state directory is it, which version; then work may flow. */
  async #preflight(gateway: GatewayRecord): Promise<void> {
    const connection = this.openConnection();
    const hello = connection?.hello();
    if (!connection || !hello) return;
    await this.#report(gateway, report('reconciling', `boot ${hello.bootId}`));
    const stateId = await connection.ensureStateSentinel({ permit: this.#permit });
    if (gateway.stateId !== null && gateway.stateId !== stateId) {
      this.#deps.log.warn(
        { gatewayId: gateway.id, before: gateway.stateId, now: stateId },
        'another state directory answers: a person decides about the attempts that were open there',
      );
    }
    const { bootId, serverVersion: version, protocol } = hello;
    await this.#record({ bootId, stateId, version, protocol });
    this.#observeAt = Number.NEGATIVE_INFINITY;
    this.#reviews.restart();
    this.#ready = true;
    this.#deps.onReady(gateway.id);
  }

  /** What is done again and again while a gateway is reachable. */
  async #tend(gateway: GatewayRecord): Promise<void> {
    const { gatewayId } = this.#options;
    const connection = this.openConnection();
    if (connection === null || !this.#ready) return;
    if (this.#deps.clock.monotonic() >= this.#observeAt) await this.#observe(gateway, connection);
    await this.#report(this.#row ?? gateway, reportOpen(this.#row ?? gateway));
    await this.#reviews.reviewIfDue(() => reviewIndeterminate(this.#deps, gatewayId));
  }

  async #observe(gateway: GatewayRecord, connection: GatewayConnection): Promise<void> {
    const { clock, timings } = this.#deps;
    const startedAt = clock.monotonic();
    this.#observeAt = startedAt + timings.observeEveryMs;
    const ownerEpoch = this.#options.lease.ownerEpoch();
    const { written, health, changed } = await observeLoad(
      this.#deps,
      gateway,
      ownerEpoch,
      connection,
    );
    this.#observeAt = startedAt + observeAgainInMs(health, timings.observeEveryMs);
    if (!this.#heed(written) || !changed) return;
    await this.readRow();
    this.#deps.onClaimable();
  }

  /** Writes the state, unless the row says it already. */
  async #report(row: GatewayRecord | null, what: GatewayReport): Promise<void> {
    const same =
      row?.state === what.state &&
      row.stateReason === what.reason &&
      row.hint === what.hint &&
      row.failure === what.failure;
    if (same) return;
    const { gatewayId, lease } = this.#options;
    const ownerEpoch = lease.ownerEpoch();
    const written = await writeGatewayState(this.#deps.db, { gatewayId, ownerEpoch, ...what });
    if (!this.#heed(written) || !written.changed) return;
    this.#deps.log.info({ gatewayId, ...what }, 'gateway state');
    await this.readRow();
    if (takesWork(what.state)) this.#deps.onClaimable();
  }

  async #record(
    seen: Omit<Parameters<typeof recordObservation>[1], 'gatewayId' | 'ownerEpoch'>,
  ): Promise<void> {
    const { gatewayId, lease } = this.#options;
    const ownerEpoch = lease.ownerEpoch();
    this.#heed(await recordObservation(this.#deps.db, { gatewayId, ownerEpoch, ...seen }));
  }

  #heed(written: GatewayWriteResult): written is Extract<GatewayWriteResult, { kind: 'ok' }> {
    if (written.kind === 'ok') return true;
    this.#options.onRefused(written);
    return false;
  }
}
