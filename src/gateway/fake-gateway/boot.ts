import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';

import type { Clock } from '../../platform/clock.ts';
import type { BootParts } from './boot-parts.ts';
import { ControlLimit } from './control-limit.ts';
import { FakeConnection, type ConnectionHost } from './connection.ts';
import type { DurableState } from './durable-state.ts';
import { createEmit } from './emit.ts';
import { letsIn } from './handshake.ts';
import { helloPayload } from './hello-payload.ts';
import { answerHttp } from './http-surface.ts';
import { METHODS, loopReport } from './methods.ts';
import type { Misbehave } from './misbehaviour.ts';
import { bookInterrupted, recoverTurns } from './recovery.ts';
import type { Params, Reply, WireError } from './reply.ts';
import { RunEngine, type EngineSettings } from './run-engine.ts';
import { Suspension } from './suspension.ts';
import type { WireLog } from './wire-log.ts';

/** What outlives a boot and may change while it lives. */
export interface BootSettings extends EngineSettings {
  recoveryDelayMs: number | null;
  /** How long a boot answers "starting" after it listens. */
  startupMs: number;
  suspensionLeaseMs: number;
  tickIntervalMs: number;
  misbehave: Misbehave | null;
  mute: boolean;
  /** Connections count as coming from another machine. */
  remote: boolean;
  /** Whether it serves its dashboard. */
  readonly controlUi: boolean;
  /** Origins of pages that are let in, beside those of its own machine. */
  allowedOrigins: readonly string[];
}

export interface BootOptions {
  readonly port: number;
  readonly token: string;
  readonly version: string;
  readonly agents: ReadonlySet<string>;
  readonly clock: Clock;
  readonly state: DurableState;
  readonly log: WireLog;
  readonly settings: BootSettings;
  readonly process: {
    readonly pid: number;
    readonly instanceId: string;
    readonly startedAt: number;
  };
  readonly onRestart: () => void;
}

const MAX_PAYLOAD_BYTES = 26_214_400;

/** One life of the fake's process: its sockets, its runs, its memory. */
export class Boot {
  readonly bootId = crypto.randomUUID();
  readonly #options: BootOptions;
  readonly #parts: BootParts;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
  });
  readonly #connections = new Set<FakeConnection>();
  readonly #joined = new Set<FakeConnection>();
  readonly #ended = new AbortController();
  readonly #controlLimit: ControlLimit;
  readonly #seen = new Map<string, number>();
  #connectionCount = 0;
  #readyAt = 0;
  #draining = false;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#controlLimit = new ControlLimit(options.clock);
    this.#server = createServer((request, response) => this.#http(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#parts = this.#makeParts();
  }

  get engine(): RunEngine {
    return this.#parts.engine;
  }

  /** Listens, books what the boot before it left, and starts the recoveries. */
  async start(): Promise<number> {
    const { clock, log, settings } = this.#options;
    bookInterrupted(this.#parts);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, '127.0.0.1', () => resolve());
    });
    this.#readyAt = clock.monotonic() + settings.startupMs;
    log.add({ kind: 'boot', atMs: clock.now(), bootId: this.bootId });
    void recoverTurns(
      this.#parts,
      settings.recoveryDelayMs === null ? null : settings.recoveryDelayMs + settings.startupMs,
    );
    void this.#tick();
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** As SIGKILL: no goodbye, every socket ends with 1006, all memory is gone. */
  async crash(): Promise<void> {
    this.#options.log.add({ kind: 'crash', atMs: this.#options.clock.now(), bootId: this.bootId });
    this.#ended.abort();
    this.cutSockets();
    await this.#closeServer();
  }

  /** Runs that execute are finished first, at most `drainMs`; then the goodbye and 1012. */
  async shutdown(
    notice: { readonly reason: string; readonly restartExpectedMs?: number },
    drainMs: number,
  ): Promise<void> {
    const { clock, log } = this.#options;
    this.#draining = true;
    const deadline = clock.monotonic() + drainMs;
    while (this.engine.activeCount() > 0 && clock.monotonic() < deadline) await clock.sleep(5);
    log.add({ kind: 'shutdown', atMs: clock.now(), bootId: this.bootId });
    this.#ended.abort();
    this.broadcast('shutdown', notice);
    for (const connection of this.#connections) connection.close(1012, 'service restart');
    await this.#closeServer();
  }

  broadcast(event: string, payload: unknown): void {
    for (const connection of this.#joined) connection.event(event, payload);
  }

  cutSockets(): void {
    for (const connection of this.#connections) connection.cut();
  }

  call(method: string, params: Params, reply: Reply): void {
    void METHODS[method]?.handle(this.#parts, params, reply);
  }

  async #closeServer(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const force = setTimeout(() => this.#server.closeAllConnections(), 50);
    for (const client of this.#sockets.clients) setTimeout(() => client.terminate(), 100).unref();
    await closed;
    clearTimeout(force);
  }

  async #tick(): Promise<void> {
    const { clock, settings } = this.#options;
    for (;;) {
      await clock.sleep(settings.tickIntervalMs, this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      this.broadcast('tick', { ts: clock.now() });
      this.broadcast('health', {
        ok: true,
        ts: clock.now(),
        eventLoop: loopReport(settings.eventLoopDelayMs),
      });
    }
  }

  #makeParts(): BootParts {
    const { clock, state, log, settings, agents, process, onRestart } = this.#options;
    const engine = new RunEngine({
      bootId: this.bootId,
      clock,
      state,
      log,
      settings,
      emit: createEmit(clock, (event, payload) => this.broadcast(event, payload)),
      boot: this.#ended.signal,
    });
    const waits = new Set<symbol>();
    const suspension = new Suspension({
      clock,
      leaseMs: settings.suspensionLeaseMs,
      activeWork: () => {
        const runs = engine.activeCount() + engine.queuedCount();
        const count = runs + waits.size;
        const blockers =
          count === 0 ? [] : [{ kind: 'embedded-run', count, message: `${count} active` }];
        return { count, blockers };
      },
    });
    return {
      bootId: this.bootId,
      clock,
      state,
      engine,
      settings,
      suspension,
      agents,
      process,
      waits,
      ended: this.#ended.signal,
      uptimeMs: () => clock.monotonic() - process.startedAt,
      restart: onRestart,
    };
  }

  #http(request: IncomingMessage, response: ServerResponse): void {
    if (this.#options.settings.mute) return;
    answerHttp(request, response, {
      version: this.#options.version,
      uptimeMs: this.#parts.uptimeMs(),
      eventLoopDelayMs: this.#options.settings.eventLoopDelayMs,
      starting: this.#isStarting(),
      servesPages: this.#options.settings.controlUi,
      draining: this.#draining || this.#parts.suspension.phase() !== 'accepting',
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      this.#connectionCount += 1;
      const connection = new FakeConnection({
        host: this.#host(),
        socket: client,
        raw: socket,
        origin: {
          hasOrigin: request.headers.origin !== undefined,
          isAllowed: letsIn(request.headers.origin, this.#options.settings.allowedOrigins),
          isRemote:
            this.#options.settings.remote || request.headers['x-forwarded-for'] !== undefined,
        },
        number: this.#connectionCount,
      });
      this.#connections.add(connection);
      client.once('close', () => {
        this.#connections.delete(connection);
        this.#joined.delete(connection);
      });
    });
  }

  #host(): ConnectionHost {
    const { clock, log, settings, token } = this.#options;
    return {
      token,
      nowMs: () => clock.now(),
      log: (direction, connection, frame) => {
        if (log.keepsFrames)
          log.add({ kind: 'frame', atMs: clock.now(), direction, connection, frame });
      },
      isStarting: () => this.#isStarting(),
      helloPayload: (scopes, connection) =>
        helloPayload(this.#parts, {
          version: this.#options.version,
          tickIntervalMs: settings.tickIntervalMs,
          maxPayloadBytes: MAX_PAYLOAD_BYTES,
          scopes,
          connection,
        }),
      refusal: (method) => this.#refusal(method),
      misbehaviour: (method, params) => {
        const nth = (this.#seen.get(method) ?? 0) + 1;
        this.#seen.set(method, nth);
        return settings.misbehave?.({ method, params, nth });
      },
      isMute: () => settings.mute,
      call: (method, params, reply) => this.call(method, params, reply),
      joined: (connection) => this.#joined.add(connection),
    };
  }

  #isStarting(): boolean {
    return this.#options.clock.monotonic() < this.#readyAt;
  }

  #refusal(method: string): WireError | null {
    const phase = this.#parts.suspension.phase();
    const known = METHODS[method];
    if (this.#draining || (phase !== 'accepting' && known?.whileSuspended !== true)) {
      const reason = this.#draining ? 'gateway-restarting' : 'gateway-suspending';
      return {
        code: 'UNAVAILABLE',
        message: `${method} unavailable during gateway ${this.#draining ? 'restart' : 'suspension'}`,
        retryable: true,
        retryAfterMs: 1000,
        details: { method, reason, phase },
      };
    }
    return known?.controlPlane === true ? this.#controlLimit.refusal(method) : null;
  }
}
