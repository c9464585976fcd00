import { systemClock, type Clock } from '../../platform/clock.ts';
import { Boot, type BootSettings } from './boot.ts';
import { DurableState } from './durable-state.ts';
import type { Misbehave } from './misbehaviour.ts';
import type { Script } from './script.ts';
import { WireLog, type WireLogDetail } from './wire-log.ts';

export interface FakeGatewayOptions {
  /** 0 or absent: any free port; it stays the same over every restart. */
  readonly port?: number;
  readonly token?: string;
  readonly clock?: Clock;
  readonly lanes?: number;
  readonly agents?: readonly string[];
  readonly version?: string;
  /** Decides turns; what it leaves undecided, the directives in the prompt decide. */
  readonly script?: Script;
  readonly beginDelayMs?: number;
  /** After a crash, when interrupted turns are resumed; null: never. */
  readonly recoveryDelayMs?: number | null;
  readonly startupMs?: number;
  readonly suspensionLeaseMs?: number;
  readonly tickIntervalMs?: number;
  readonly remote?: boolean;
  /** Whether it serves its dashboard; default true. */
  readonly controlUi?: boolean;
  /** Of pages that it lets in, beside those of its own machine; default none. */
  readonly allowedOrigins?: readonly string[];
  /** Keeps the state directory in a file, so that it outlives the process. */
  readonly statePath?: string;
  readonly wireLogPath?: string;
  readonly wireLogDetail?: WireLogDetail;
}

/** A gateway that speaks the real wire and obeys the real rules, and does what a test tells it. */
export interface FakeGateway {
  readonly port: number;
  /** `ws://127.0.0.1:<port>`. */
  readonly endpoint: string;
  readonly token: string;
  readonly log: WireLog;
  /** What a state directory holds: outlives crashes, ends with `wipeState`. */
  readonly state: DurableState;
  /** null while it is down. */
  bootId(): string | null;
  /** As SIGKILL. */
  crash(): Promise<void>;
  /** Starts again after `crash` or `stop`: a new boot on the same port and state. */
  start(): Promise<void>;
  /** As SIGTERM: finishes running turns (bounded), says goodbye, closes with 1012. */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
  /** As SIGUSR2: a graceful stop and a new boot in the same process. */
  restart(options?: { readonly drainMs?: number }): Promise<void>;
  /** The network between clients and a healthy gateway breaks: every socket ends with 1006. */
  cutSockets(): void;
  /** Sockets stay open, nothing is heard or said any more. */
  mute(on: boolean): void;
  setScript(script: Script | null): void;
  setMisbehaviour(misbehave: Misbehave | null): void;
  setLanes(lanes: number): void;
  /** What it says of its event loop from now on. */
  setEventLoopDelayMs(delayMs: number): void;
  setRecoveryDelayMs(delayMs: number | null): void;
  /** Another state directory takes the place of this one; only while it is down. */
  wipeState(): void;
  /** A person writes into a session at the gateway itself; answers the run id. */
  personChats(sessionKey: string, message: string): string;
  /** Ends it for good. */
  close(): Promise<void>;
}

const DEFAULT_DRAIN_MS = 2000;
const QUIET_LOOP_DELAY_MS = 21;

/** Starts a fake gateway on loopback; it takes connections when this resolves. */
export async function startFakeGateway(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
  const fake = new FakeGatewayProcess(options);
  await fake.start();
  return fake;
}

class FakeGatewayProcess implements FakeGateway {
  readonly token: string;
  readonly log: WireLog;
  readonly state: DurableState;
  readonly #options: FakeGatewayOptions;
  readonly #clock: Clock;
  readonly #settings: BootSettings;
  #process: { pid: number; instanceId: string; startedAt: number };
  #port: number;
  #boot: Boot | null = null;
  #restarting: Promise<void> | null = null;

  constructor(options: FakeGatewayOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#port = options.port ?? 0;
    this.token = options.token ?? crypto.randomUUID();
    this.state = new DurableState(options.statePath ?? null);
    this.log = new WireLog({
      detail: options.wireLogDetail ?? 'all',
      path: options.wireLogPath ?? null,
    });
    this.#process = this.#newProcess();
    this.#settings = {
      lanes: options.lanes ?? 8,
      script: options.script ?? null,
      beginDelayMs: options.beginDelayMs ?? 0,
      eventLoopDelayMs: QUIET_LOOP_DELAY_MS,
      recoveryDelayMs: options.recoveryDelayMs === undefined ? 50 : options.recoveryDelayMs,
      startupMs: options.startupMs ?? 0,
      suspensionLeaseMs: options.suspensionLeaseMs ?? 120_000,
      tickIntervalMs: options.tickIntervalMs ?? 30_000,
      misbehave: null,
      mute: false,
      remote: options.remote ?? false,
      controlUi: options.controlUi ?? true,
      allowedOrigins: options.allowedOrigins ?? [],
    };
  }

  get port(): number {
    return this.#port;
  }

  get endpoint(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  bootId(): string | null {
    return this.#boot?.bootId ?? null;
  }

  async start(): Promise<void> {
    if (this.#boot !== null) throw new Error('the fake gateway runs already');
    const boot = new Boot({
      port: this.#port,
      token: this.token,
      version: this.#options.version ?? '2026.9.6',
      agents: new Set(this.#options.agents ?? ['main']),
      clock: this.#clock,
      state: this.state,
      log: this.log,
      settings: this.#settings,
      process: this.#process,
      onRestart: () => void this.#restartWhenIdle(boot),
    });
    this.#boot = boot;
    this.#port = await boot.start();
  }

  async crash(): Promise<void> {
    const boot = this.#takeBoot();
    this.#process = this.#newProcess();
    await boot?.crash();
  }

  async stop({ drainMs = DEFAULT_DRAIN_MS } = {}): Promise<void> {
    const boot = this.#boot;
    await boot?.shutdown({ reason: 'gateway stopping' }, drainMs);
    if (this.#boot === boot) this.#boot = null;
    this.#process = this.#newProcess();
  }

  async restart({ drainMs = DEFAULT_DRAIN_MS } = {}): Promise<void> {
    const boot = this.#boot;
    if (boot === null) throw new Error('the fake gateway does not run');
    await boot.shutdown({ reason: 'gateway restarting', restartExpectedMs: 1500 }, drainMs);
    if (this.#boot !== boot) return;
    this.#boot = null;
    await this.start();
  }

  cutSockets(): void {
    this.#boot?.cutSockets();
  }

  mute(on: boolean): void {
    this.#settings.mute = on;
  }

  setScript(script: Script | null): void {
    this.#settings.script = script;
  }

  setMisbehaviour(misbehave: Misbehave | null): void {
    this.#settings.misbehave = misbehave;
  }

  setLanes(lanes: number): void {
    this.#settings.lanes = lanes;
  }

  setEventLoopDelayMs(delayMs: number): void {
    this.#settings.eventLoopDelayMs = delayMs;
  }

  setRecoveryDelayMs(delayMs: number | null): void {
    this.#settings.recoveryDelayMs = delayMs;
  }

  wipeState(): void {
    if (this.#boot !== null) throw new Error('stop the fake gateway before its state is wiped');
    this.state.wipe();
    this.log.add({ kind: 'wipe', atMs: this.#clock.now(), bootId: '' });
  }

  personChats(sessionKey: string, message: string): string {
    const runId = `person-${crypto.randomUUID()}`;
    const quiet = { ok: () => undefined, error: () => undefined };
    this.#boot?.call('chat.send', { sessionKey, message, idempotencyKey: runId }, quiet);
    return runId;
  }

  async close(): Promise<void> {
    await this.#restarting;
    await this.#takeBoot()?.crash();
  }

  #takeBoot(): Boot | null {
    const boot = this.#boot;
    this.#boot = null;
    return boot;
  }

  #newProcess(): { pid: number; instanceId: string; startedAt: number } {
    return {
      pid: process.pid,
      instanceId: crypto.randomUUID(),
      startedAt: this.#clock.monotonic(),
    };
  }

  /** `gateway.restart.request`: after running work, then as `restart`. */
  async #restartWhenIdle(boot: Boot): Promise<void> {
    while (this.#boot === boot && boot.engine.activeCount() > 0) await this.#clock.sleep(20);
    if (this.#boot !== boot) return;
    this.#restarting = this.restart();
    await this.#restarting;
  }
}
