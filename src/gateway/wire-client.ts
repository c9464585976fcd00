import {
  GatewayProtocolClient,
  type EventFrame,
  type GatewayProtocolCloseContext,
  type GatewayProtocolSocket,
  type GatewayProtocolSocketHandlers,
  type HelloOk,
} from '@openclaw/gateway-client/browser';
import { rawDataToString } from '@openclaw/gateway-client/websocket-data';
import { PROTOCOL_VERSION } from '@openclaw/gateway-protocol/version';
import { WebSocket } from 'ws';

import type { Clock } from '../platform/clock.ts';
import { toCallError } from './call-outcome.ts';
import { blockOf, scopeBlockOf } from './connect-refusal.ts';
import type { ConnectionState, Permit } from './connection.ts';
import { GatewayCallError } from './gateway-call-error.ts';
import type { GatewayLog } from './gateway-log.ts';
import type { ConnectPace } from './connect-pace.ts';
import { asNumber, asRecord, asText, asTexts } from './json-value.ts';
import { SilenceWatch } from './silence-watch.ts';

/** The largest frame a gateway sends or takes after the handshake, bytes. */
export const MAX_FRAME_BYTES = 26_214_400;

const HANDSHAKE_TIMEOUT_MS = 15_000;
/** How often a gateway ticks that does not say it. */
const DEFAULT_TICK_MS = 30_000;
const CLOSE_GRACE_MS = 500;

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface WireClientOptions {
  readonly endpoint: string;
  readonly token: string;
  readonly displayName: string;
  readonly scopes: readonly string[];
  readonly clock: Clock;
  readonly log: GatewayLog;
  readonly backoff: BackoffPolicy;
  /** Uniform in [0, 1): spreads the reconnects of many hosts after one gateway restarts. */
  readonly random: () => number;
  /** Shared by the connections of a host. */
  readonly pace: ConnectPace;
  readonly onState: (state: ConnectionState) => void;
  readonly onHello: (hello: HelloOk) => void;
  readonly onEvent: (event: EventFrame) => void;
}

export interface WireCall {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly permit?: Permit;
  readonly traceparent?: string;
  /** Nothing is sent when the gateway has another boot than this. */
  readonly bootId?: string;
}

/**
 * One socket to one gateway over the official protocol client, which owns frames, correlation and the handshake.
 * This class adds what Dash needs around it: states with a hint instead of endless knocking, jittered back-off,
 * a watch for silent sockets, and the guarantee that a permit and its frame share one tick (P24).
 */
export class WireClient {
  readonly #options: WireClientOptions;
  readonly #client: GatewayProtocolClient<null>;
  #state: ConnectionState = { kind: 'connecting' };
  #bootId: string | null = null;
  #attempts = 0;
  #socket: WebSocket | null = null;
  #traceparent: string | null = null;
  readonly #silence: SilenceWatch;
  #turn: NodeJS.Timeout | undefined;

  constructor(options: WireClientOptions) {
    this.#options = options;
    this.#silence = new SilenceWatch({
      clock: options.clock,
      onSilence: () => this.#reconnectSilent(),
    });
    this.#client = new GatewayProtocolClient<null>({
      createSocket: (handlers) => this.#openSocket(handlers),
      createRequestId: () => crypto.randomUUID(),
      buildConnectPlan: () => null,
      buildConnectParams: () => this.#connectParams(),
      onConnectHello: (hello) => this.#onHello(hello),
      resolveClose: (context) => this.#onClose(context),
      onEvent: (event) => options.onEvent(event),
      onActivity: () => this.#silence.heard(),
      onParseError: () =>
        options.log.warn(
          { endpoint: options.endpoint },
          'the gateway sent a frame that is not JSON',
        ),
      onCallbackError: (label, error) =>
        options.log.error({ err: error, label }, 'a listener of gateway frames failed'),
      handshake: { mode: 'require-challenge', timeoutMs: HANDSHAKE_TIMEOUT_MS },
      reconnect: {
        initialMs: options.backoff.initialMs,
        multiplier: 2,
        maxMs: options.backoff.maxMs,
      },
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    this.#knock();
  }

  /** Knocks now, also when blocked; while open or closed nothing happens. */
  retryNow(): void {
    if (this.#state.kind === 'open' || this.#state.kind === 'closed') return;
    this.#attempts = 0;
    this.#client.resetReconnectBackoff(this.#options.backoff.initialMs);
    if (this.#state.kind === 'blocked') this.#setState({ kind: 'connecting' });
    this.#knock();
  }

  #knock(): void {
    clearTimeout(this.#turn);
    const waitMs = this.#options.pace.reserve(0);
    if (waitMs <= 0) this.#client.start();
    else this.#turn = setTimeout(() => this.#client.start(), waitMs);
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    this.#silence.stop();
    clearTimeout(this.#turn);
    const socket = this.#socket;
    this.#client.stop();
    this.#setState({ kind: 'closed' });
    if (socket === null || socket.readyState === WebSocket.CLOSED) return;
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const force = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
    await gone;
    clearTimeout(force);
  }

  /**
   * Sends one request and answers its (first) response payload; rejects with a `GatewayCallError` otherwise.
   * The permit runs last before the frame is written, with nothing awaited in between (P24); what it throws is
   * passed on as it is, and nothing was sent.
   */
  async call(call: WireCall): Promise<unknown> {
    this.#refuseUnlessOpen(call);
    const pending = call.permit?.();
    if (pending !== undefined) {
      await pending;
      this.#refuseUnlessOpen(call);
    }
    const answer = this.#write(call);
    try {
      return await answer;
    } catch (error) {
      throw toCallError(call.method, error);
    }
  }

  #write(call: WireCall): Promise<unknown> {
    this.#traceparent = call.traceparent ?? null;
    try {
      return this.#client.request(call.method, call.params, { timeoutMs: call.timeoutMs });
    } finally {
      this.#traceparent = null;
    }
  }

  #refuseUnlessOpen(call: WireCall): void {
    const refuse = (code: string, message: string): never => {
      throw new GatewayCallError({
        method: call.method,
        code,
        message,
        outcome: 'refused',
        retryable: true,
      });
    };
    const state = this.#state;
    if (state.kind === 'blocked') refuse('BLOCKED', state.hint);
    if (state.kind !== 'open') refuse('NOT_CONNECTED', `the connection is ${state.kind}`);
    if (call.bootId !== undefined && call.bootId !== this.#bootId) {
      refuse('OTHER_BOOT', 'the gateway restarted since the caller looked at it');
    }
  }

  #connectParams(): Record<string, unknown> {
    const { displayName, scopes, token } = this.#options;
    return {
      minProtocol: PROTOCOL_VERSION,
      maxProtocol: PROTOCOL_VERSION,
      client: {
        id: 'gateway-client',
        mode: 'backend',
        version: '0.1.0',
        platform: process.platform,
        displayName,
      },
      role: 'operator',
      scopes: [...scopes],
      caps: [],
      auth: { token },
    };
  }

  #onHello(hello: HelloOk): void {
    const record = asRecord(hello);
    const granted = asTexts(asRecord(record['auth'])['scopes']);
    const block = scopeBlockOf(this.#options.scopes, granted);
    if (block !== null) {
      this.#setState(block);
      this.#client.closeSocket(1000, 'scopes withheld');
      return;
    }
    this.#attempts = 0;
    this.#bootId = asText(asRecord(record['server'])['bootId']);
    this.#silence.start(asNumber(asRecord(record['policy'])['tickIntervalMs']) ?? DEFAULT_TICK_MS);
    this.#options.onHello(hello);
    this.#setState({ kind: 'open' });
  }

  #onClose(context: GatewayProtocolCloseContext): {
    retry: boolean;
    notify: boolean;
    reconnectDelayMs?: number;
  } {
    this.#silence.stop();
    if (this.#state.kind === 'blocked') return { retry: false, notify: false };
    const failure = context.connectFailure?.error;
    const block = blockOf({
      code: failure !== undefined && 'code' in failure ? String(failure.code) : '',
      message: failure?.message ?? '',
      details: failure !== undefined && 'details' in failure ? failure.details : null,
    });
    if (block !== null) {
      this.#setState(block);
      return { retry: false, notify: false };
    }
    this.#attempts += 1;
    const lastError = failure?.message ?? `closed with ${context.code} ${context.reason}`.trim();
    this.#setState({ kind: 'reconnecting', attempts: this.#attempts, lastError });
    return { retry: true, notify: false, reconnectDelayMs: this.#delayMs(failure) };
  }

  #delayMs(failure: Error | undefined): number {
    const { backoff, random } = this.#options;
    const hint =
      failure !== undefined && 'retryAfterMs' in failure ? asNumber(failure.retryAfterMs) : null;
    const base = Math.min(backoff.maxMs, backoff.initialMs * 2 ** Math.min(this.#attempts - 1, 16));
    const jittered = Math.round(base * (0.5 + random() / 2));
    const wantedMs = hint === null ? jittered : Math.min(Math.max(hint, jittered), backoff.maxMs);
    return this.#options.pace.reserve(wantedMs);
  }

  #openSocket(handlers: GatewayProtocolSocketHandlers): GatewayProtocolSocket {
    const socket = new WebSocket(this.#options.endpoint, {
      maxPayload: MAX_FRAME_BYTES,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    socket.on('open', () => handlers.open());
    socket.on('message', (data) => handlers.message(rawDataToString(data)));
    socket.on('ping', () => this.#silence.heard());
    socket.on('error', (error) => handlers.error(error));
    socket.on('close', (code, reason) => {
      if (this.#socket === socket) this.#socket = null;
      handlers.close(code, reason.toString());
    });
    return {
      isOpen: () => socket.readyState === WebSocket.OPEN,
      send: (data) => socket.send(withTraceparent(data, this.#traceparent)),
      close: (code, reason) => {
        socket.close(code, reason);
        const force = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
        force.unref();
        socket.once('close', () => clearTimeout(force));
      },
    };
  }

  #reconnectSilent(): void {
    const { log, endpoint } = this.#options;
    log.warn({ endpoint }, 'the gateway has been silent for two ticks; reconnecting');
    this.#client.closeSocket(4000, 'tick timeout');
  }

  #setState(state: ConnectionState): void {
    if (this.#state.kind === 'closed') return;
    this.#state = state;
    this.#options.onState(state);
  }
}

/** The protocol client writes no `traceparent`; the frame is its JSON object, so the field goes in at its end. */
function withTraceparent(frame: string, traceparent: string | null): string {
  return traceparent === null
    ? frame
    : `${frame.slice(0, -1)},"traceparent":${JSON.stringify(traceparent)}}`;
}
