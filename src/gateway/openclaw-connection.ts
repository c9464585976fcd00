import type { HelloOk } from '@openclaw/gateway-client/browser';
import type { GatewayIdentity, Look } from '../domain/look.ts';
import type { Clock } from '../platform/clock.ts';
import { abortRun } from './abort-run.ts';
import type {
  ConnectionState,
  FollowOptions,
  GatewayConnection,
  GatewayHello,
  LookQuery,
  Permit,
  RunEvent,
  ShutdownNotice,
  Unsubscribe,
} from './connection.ts';
import { createConnectPace, type ConnectPace } from './connect-pace.ts';
import { fetchLook } from './fetch-look.ts';
import { followRun, type FollowResult } from './follow-run.ts';
import { GatewayCallError } from './gateway-call-error.ts';
import type { GatewayLog } from './gateway-log.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { readHello } from './hello.ts';
import { asNumber, asRecord, asText, type JsonRecord } from './json-value.ts';
import { readExecuting, readHealth, readLanes, readSystemInfo } from './load-calls.ts';
import { notOpenError } from './not-open-error.ts';
import { readOrigins, writeOrigins } from './origin-calls.ts';
import { checkOutbound } from './outbound.ts';
import { RunEvents } from './run-events.ts';
import { sendRun } from './send-run.ts';
import { ensureStateSentinel, readStateSentinel } from './state-sentinel.ts';
import { subscribe } from './subscribe.ts';
import {
  requestRestart,
  suspendHandoff,
  suspendPrepare,
  suspendResume,
  suspendStatus,
} from './suspend-calls.ts';
import { WireClient, type BackoffPolicy } from './wire-client.ts';

export interface ConnectOptions {
  /** `ws://` or `wss://`. */
  readonly endpoint: string;
  readonly token: string;
  /** Names the state sentinel of this Dash on the gateway. */
  readonly installation: string;
  /** What the gateway's operator sees among its clients. */
  readonly displayName: string;
  readonly clock: Clock;
  readonly log: GatewayLog;
  readonly onState?: (state: ConnectionState) => void;
  readonly scopes?: readonly string[];
  readonly backoff?: BackoffPolicy;
  readonly random?: () => number;
  /** Shared by the connections of one host; default: one of its own. */
  readonly pace?: ConnectPace;
  /** How long a call waits for its answer, unless it says otherwise. */
  readonly callTimeoutMs?: number;
}

const DEFAULT_SCOPES = ['operator.read', 'operator.write', 'operator.admin'];
const DEFAULT_BACKOFF: BackoffPolicy = { initialMs: 250, maxMs: 5000 };
const DEFAULT_CALL_TIMEOUT_MS = 15_000;
const WAIT_GRACE_MS = 5000;

/**
 * Opens a connection to a gateway and keeps it open. Answers at once; `whenOpen` waits for the hello. Never throws
 * for what the gateway does: the state says it.
 */
export function connectGateway(options: ConnectOptions): GatewayConnection {
  return new OpenClawConnection(options);
}

class OpenClawConnection implements GatewayConnection {
  readonly #options: ConnectOptions;
  readonly #wire: WireClient;
  readonly #events = new RunEvents();
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  readonly #bootListeners = new Set<(hello: GatewayHello) => void>();
  readonly #shutdownListeners = new Set<(notice: ShutdownNotice) => void>();
  #hello: GatewayHello | null = null;
  #bootSeenAt = 0;
  /** When a look last saw this boot resume an interrupted turn. */
  #recoverySeenAt = Number.NEGATIVE_INFINITY;
  #stateId: string | null = null;
  #connected = new AbortController();
  #bootToTell = false;

  constructor(options: ConnectOptions) {
    this.#options = options;
    if (options.onState !== undefined) this.#stateListeners.add(options.onState);
    this.#wire = new WireClient({
      endpoint: options.endpoint,
      token: options.token,
      displayName: options.displayName,
      scopes: options.scopes ?? DEFAULT_SCOPES,
      clock: options.clock,
      log: options.log,
      backoff: options.backoff ?? DEFAULT_BACKOFF,
      random: options.random ?? Math.random,
      pace: options.pace ?? createConnectPace(options),
      onHello: (hello) => this.#onHello(hello),
      onState: (state) => this.#onState(state),
      onEvent: (event) => this.#onEvent(event.event, event.payload),
    });
    this.#wire.start();
  }

  state(): ConnectionState {
    return this.#wire.state;
  }

  hello(): GatewayHello | null {
    return this.#hello;
  }

  onState(listener: (state: ConnectionState) => void): Unsubscribe {
    return subscribe(this.#stateListeners, listener);
  }

  onBoot(listener: (hello: GatewayHello) => void): Unsubscribe {
    return subscribe(this.#bootListeners, listener);
  }

  onShutdown(listener: (notice: ShutdownNotice) => void): Unsubscribe {
    return subscribe(this.#shutdownListeners, listener);
  }

  onRunEvent(runId: string, listener: (event: RunEvent) => void): Unsubscribe {
    return this.#events.on(runId, listener);
  }

  onRunMove(listener: () => void): Unsubscribe {
    return this.#events.onMove(listener);
  }

  readonly retryNow = (): void => this.#wire.retryNow();

  async close(): Promise<void> {
    await this.#wire.close();
  }

  async whenOpen({ timeoutMs }: { readonly timeoutMs: number }): Promise<GatewayHello> {
    const settled = Promise.withResolvers<void>();
    const check = (state: ConnectionState): void => {
      if (state.kind === 'open' || state.kind === 'blocked' || state.kind === 'closed') {
        settled.resolve();
      }
    };
    const unsubscribe = this.onState(check);
    const timer = setTimeout(() => settled.resolve(), timeoutMs);
    check(this.state());
    await settled.promise;
    clearTimeout(timer);
    unsubscribe();
    const state = this.state();
    if (state.kind === 'open' && this.#hello !== null) return this.#hello;
    throw notOpenError(state, timeoutMs);
  }

  identity(): GatewayIdentity | null {
    if (this.state().kind !== 'open' || this.#hello === null) return null;
    return {
      bootId: this.#hello.bootId,
      stateId: this.#stateId,
      readyForMs: this.#sinceMs(this.#bootSeenAt),
      noRecoveryForMs: this.#sinceMs(Math.max(this.#bootSeenAt, this.#recoverySeenAt)),
    };
  }

  async look(query: LookQuery): Promise<Look> {
    const bootId = this.#hello?.bootId;
    const look = await fetchLook(
      this.#read,
      {
        identify: () => this.#identify(),
        sawRecovery: () => {
          this.#recoverySeenAt = this.#options.clock.monotonic();
        },
      },
      query,
    );
    if (look.kind === 'seen' && bootId !== this.#hello?.bootId) {
      throw new GatewayCallError({
        method: 'look',
        code: 'OTHER_BOOT',
        message: 'the gateway restarted while it was looked at; look again',
        outcome: 'refused',
        retryable: true,
      });
    }
    return look;
  }

  async followRun(options: FollowOptions): Promise<FollowResult> {
    if (this.state().kind !== 'open') return { kind: 'unclear' };
    return followRun(options, {
      clock: this.#options.clock,
      events: this.#events,
      connected: this.#connected.signal,
      wait: (runId, timeoutMs) =>
        this.#call({
          method: 'agent.wait',
          params: { runId, timeoutMs },
          timeoutMs: timeoutMs + WAIT_GRACE_MS,
        }),
    });
  }

  readonly sendRun: GatewayConnection['sendRun'] = (request) => sendRun(this.#call, request);
  readonly abortRun: GatewayConnection['abortRun'] = (request) => abortRun(this.#call, request);
  readonly suspendPrepare: GatewayConnection['suspendPrepare'] = (request) =>
    suspendPrepare(this.#call, request);
  readonly suspendStatus: GatewayConnection['suspendStatus'] = (request) =>
    suspendStatus(this.#call, request);
  readonly suspendResume: GatewayConnection['suspendResume'] = (request) =>
    suspendResume(this.#call, request);
  readonly suspendHandoff: GatewayConnection['suspendHandoff'] = (request) =>
    suspendHandoff(this.#call, request);
  readonly requestRestart: GatewayConnection['requestRestart'] = (request) =>
    requestRestart(this.#call, request);
  readonly lanes: GatewayConnection['lanes'] = () => readLanes(this.#read);
  readonly health: GatewayConnection['health'] = () => readHealth(this.#read);
  readonly systemInfo: GatewayConnection['systemInfo'] = () => readSystemInfo(this.#read);
  readonly allowedOrigins: GatewayConnection['allowedOrigins'] = () => readOrigins(this.#read);
  readonly allowOrigins: GatewayConnection['allowOrigins'] = (request) =>
    writeOrigins(this.#call, request);
  readonly listExecuting: GatewayConnection['listExecuting'] = () => readExecuting(this.#read);

  async ensureStateSentinel({ permit }: { readonly permit: Permit }): Promise<string> {
    const { installation } = this.#options;
    return this.#rememberState(
      await ensureStateSentinel(this.#call, this.#read, { installation, permit }),
    );
  }

  async readStateSentinel(): Promise<string | null> {
    const stateId = await readStateSentinel(this.#read, this.#options.installation);
    return stateId === null ? null : this.#rememberState(stateId);
  }

  #sinceMs(atMs: number): number {
    return Math.max(0, this.#options.clock.monotonic() - atMs);
  }

  /** A state directory does not change under a living process: once read, the id holds for the boot. */
  async #identify(): Promise<GatewayIdentity> {
    if (this.#stateId === null) await this.readStateSentinel();
    const identity = this.identity();
    if (identity !== null) return identity;
    throw notOpenError(this.state(), 0);
  }

  #rememberState(stateId: string): string {
    this.#stateId = stateId;
    return stateId;
  }

  readonly #call: GatewayCall = async (request) => {
    checkOutbound(request.method, request.params);
    const timeoutMs = request.timeoutMs ?? this.#options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS;
    return this.#wire.call({ ...request, timeoutMs });
  };

  readonly #read = (method: string, params: JsonRecord): Promise<unknown> =>
    this.#call({ method, params });

  #onHello(payload: HelloOk): void {
    const hello = readHello(payload);
    const before = this.#hello;
    this.#hello = hello;
    if (before?.bootId === hello.bootId) return;
    this.#bootSeenAt = this.#options.clock.monotonic();
    this.#recoverySeenAt = Number.NEGATIVE_INFINITY;
    this.#stateId = null;
    this.#events.forgetEnds();
    this.#bootToTell = before !== null;
  }

  #onState(state: ConnectionState): void {
    if (state.kind === 'open') this.#connected = new AbortController();
    else this.#connected.abort();
    for (const listener of [...this.#stateListeners]) listener(state);
    if (state.kind !== 'open' || !this.#bootToTell || this.#hello === null) return;
    this.#bootToTell = false;
    for (const listener of [...this.#bootListeners]) listener(this.#hello);
  }

  #onEvent(event: string, payload: unknown): void {
    if (event === 'agent') return this.#events.receive(payload);
    if (event !== 'shutdown') return;
    const record = asRecord(payload);
    const notice: ShutdownNotice = {
      reason: asText(record['reason']) ?? 'no reason given',
      restartExpectedMs: asNumber(record['restartExpectedMs']),
    };
    for (const listener of [...this.#shutdownListeners]) listener(notice);
  }
}
