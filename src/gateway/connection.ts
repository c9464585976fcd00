import type { GatewayFailure } from '../domain/gateway.ts';
import type { GatewayIdentity, Look } from '../domain/look.ts';

/**
 * The one door to an OpenClaw gateway. Everything else in Dash sees a gateway only through this interface:
 * a connection that keeps itself open, says in words why it cannot, and whose every call ends in an answer
 * or a `GatewayCallError` that says whether the gateway may have acted on it.
 *
 * Reads and mutating calls differ in one thing: a mutating call takes a `Permit` (protocol P24).
 */
export interface GatewayConnection {
  state(): ConnectionState;
  /** Calls back on every change of `state()`; the current state is not replayed. Answers the unsubscriber. */
  onState(listener: (state: ConnectionState) => void): Unsubscribe;
  /**
   * Resolves with the hello as soon as the connection is open. Rejects with a `GatewayCallError` when it becomes
   * `blocked` or `closed` (code BLOCKED or NOT_CONNECTED), or after `timeoutMs` (TIMED_OUT, outcome `refused`).
   */
  whenOpen(options: { readonly timeoutMs: number }): Promise<GatewayHello>;
  /** Forgets the back-off, or the block, and connects now. Nothing happens when open or closed. */
  retryNow(): void;
  /** Ends the connection for good; calls in flight end with CONNECTION_LOST. Runs in the gateway go on. */
  close(): Promise<void>;

  /** What the gateway said at the last connect; null until the first one. */
  hello(): GatewayHello | null;
  /**
   * Which process and which state directory the connection speaks to, or null while it is not open.
   * `stateId` is null until `readStateSentinel`, `ensureStateSentinel` or `look` has found the sentinel.
   */
  identity(): GatewayIdentity | null;
  /** Calls back when a reconnect meets another `bootId` than the connection before it. */
  onBoot(listener: (hello: GatewayHello) => void): Unsubscribe;
  /** Calls back when the gateway announces that it goes away (event `shutdown`). */
  onShutdown(listener: (notice: ShutdownNotice) => void): Unsubscribe;
  /** Calls back for each event of this run, in order; nothing is replayed after a reconnect. */
  onRunEvent(runId: string, listener: (event: RunEvent) => void): Unsubscribe;
  /** Calls back when a run of the gateway begins, turns to its model, or ends: any run, ours or not. */
  onRunMove(listener: () => void): Unsubscribe;

  /** Everything the gateway shows about an attempt's session (P22). `refused` when the gateway takes no calls now. */
  look(query: LookQuery): Promise<Look>;
  /**
   * Follows a run until it seems over, so that the caller looks again; it never concludes an outcome.
   * `ended`: the gateway said the run is over. `unclear`: disconnected, another boot, or the gateway does not
   * answer. `detached`: the signal aborted. A pending wait delays the gateway's drain (G11), so `sliceMs` ≤ 5 000.
   */
  followRun(options: FollowOptions): Promise<{ readonly kind: 'ended' | 'unclear' | 'detached' }>;

  /** Asks for a run. Only an answer of the gateway makes a result; everything else throws a `GatewayCallError`. */
  sendRun(request: RunRequest): Promise<SendResult>;
  /** Ends an executing or queued run of the session; `aborted` is false when there was none. */
  abortRun(request: {
    readonly sessionKey: string;
    readonly runId: string;
    readonly permit: Permit;
  }): Promise<{ readonly aborted: boolean }>;
  /** The `stateId` of protocol.md "Defaults", made when absent. */
  ensureStateSentinel(options: { readonly permit: Permit }): Promise<string>;
  /** The `stateId`, or null when the gateway's state directory has none. Sends nothing that changes anything. */
  readStateSentinel(): Promise<string | null>;

  suspendPrepare(request: {
    readonly requestId: string;
    readonly drain: boolean;
    readonly permit: Permit;
  }): Promise<SuspendPrepared>;
  suspendStatus(request: { readonly suspensionId: string }): Promise<SuspendPhase>;
  suspendResume(request: { readonly suspensionId: string; readonly permit: Permit }): Promise<void>;
  /** Hands a prepared gateway to its supervisor: the SIGTERM that follows ends it in bounded time. */
  suspendHandoff(request: {
    readonly suspensionId: string;
    readonly target: ProcessTarget;
    readonly permit: Permit;
  }): Promise<void>;
  /** Restarts the gateway by its own means; `deferred` while it waits for running work. */
  requestRestart(request: {
    readonly reason: string;
    readonly permit: Permit;
  }): Promise<{ readonly kind: 'scheduled' | 'deferred' }>;

  /** Load of the lane that runs execute in; `max` is null when the gateway does not say. */
  lanes(): Promise<LaneLoad>;
  /** Its event loop over the last second or so; its own word on the rest may be a minute old. */
  health(): Promise<GatewayHealth>;
  systemInfo(): Promise<ProcessTarget & { readonly uptimeMs: number | null }>;
  /** Of which pages the gateway lets browsers in, beside those of its own machine. */
  allowedOrigins(): Promise<AllowedOrigins>;
  /** Replaces that list; refused when the configuration has changed since `hash` was read. */
  allowOrigins(request: AllowedOrigins & { readonly permit: Permit }): Promise<void>;
  /** Every run that executes or is queued in the gateway now, ours or not (reconcile, foreign runs). */
  listExecuting(): Promise<readonly ExecutingRun[]>;
}

export type Unsubscribe = () => void;

/**
 * The caller's proof that it may still speak for this gateway (P24). Runs in the same tick in which the frame is
 * written (or in the tick of its own answer when it is asynchronous); when it throws, nothing was sent.
 */
export type Permit = () => void | Promise<void>;

/**
 * A blocked connection waits for a person and does not knock again by itself; `failure` is what the gateway's row
 * says, `hint` the sentence that an operator reads.
 */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'reconnecting'; readonly attempts: number; readonly lastError: string }
  | {
      readonly kind: 'blocked';
      readonly reason: 'auth' | 'protocol' | 'pairing' | 'scopes';
      readonly failure: GatewayFailure;
      readonly hint: string;
    }
  | { readonly kind: 'closed' };

export interface GatewayHello {
  readonly bootId: string;
  readonly serverVersion: string;
  readonly protocol: number;
  readonly scopes: readonly string[];
  readonly methods: readonly string[];
  /** The gateway's uptime at the time of this hello, milliseconds. */
  readonly uptimeMs: number;
}

export interface ShutdownNotice {
  /** `gateway stopping`, `gateway restarting`, or other words of the gateway. */
  readonly reason: string;
  /** Set when the gateway comes back by itself. */
  readonly restartExpectedMs: number | null;
}

/** Events of one run, for people who watch; outcomes come from `look` alone. */
export type RunEvent =
  | { readonly kind: 'started' }
  | { readonly kind: 'model'; readonly provider: string; readonly model: string }
  | { readonly kind: 'text'; readonly text: string; readonly delta: string }
  | { readonly kind: 'usage'; readonly outputTokens: number }
  | { readonly kind: 'ended'; readonly failed: boolean; readonly message: string | null };

export interface LookQuery {
  readonly sessionKey: string;
  /** The attempt's own run ids, in the order they were sent under. */
  readonly runIds: readonly string[];
}

export interface FollowOptions {
  readonly sessionKey: string;
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly sliceMs: number;
}

export interface RunRequest {
  readonly sessionKey: string;
  readonly runId: string;
  readonly message: string;
  readonly agentId: string;
  /** The gateway ends the run by itself after this many seconds. */
  readonly timeoutSeconds: number;
  /** Goes out as the frame's `traceparent`, so that the gateway's logs name the request. */
  readonly correlationId: string;
  /** The boot the caller looked at and committed (P23): in another one nothing is sent (code OTHER_BOOT). */
  readonly bootId: string;
  readonly permit: Permit;
}

/**
 * - `accepted`: the gateway has taken the run.
 * - `in-flight`: this boot knows the run id already, executing or finished: nothing was started, look.
 * - `refused`: nothing was or will be started; `retryable` is the gateway's own word.
 */
export type SendResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'in-flight' }
  | {
      readonly kind: 'refused';
      readonly reason: 'draining' | 'starting' | 'suspended' | 'busy' | 'invalid' | 'forbidden';
      readonly message: string;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
    };

export interface SuspendPrepared {
  readonly kind: 'ready' | 'draining' | 'busy';
  /** null when busy: there is no lease. */
  readonly suspensionId: string | null;
  readonly expiresAtMs: number | null;
  readonly retryAfterMs: number | null;
  readonly activeCount: number;
  /** What still runs, in the gateway's words. */
  readonly blockers: readonly string[];
}

/** `running`: there is no such lease (any more). */
export interface SuspendPhase {
  readonly kind: 'ready' | 'draining' | 'running';
  readonly expiresAtMs: number | null;
  readonly activeCount: number;
  readonly blockers: readonly string[];
}

export interface ProcessTarget {
  readonly pid: number;
  readonly processInstanceId: string;
}

export interface AllowedOrigins {
  /** As the configuration has them. */
  readonly origins: readonly string[];
  /** Names the configuration that they were read from. */
  readonly hash: string;
}

export interface LaneLoad {
  readonly active: number;
  readonly queued: number;
  readonly max: number | null;
}

export interface GatewayHealth {
  readonly ok: boolean;
  /** The gateway's own judgement of its event loop; empty when it is well. */
  readonly degraded: readonly string[];
  readonly eventLoopDelayP99Ms: number | null;
  readonly eventLoopUtilization: number | null;
}

export interface ExecutingRun {
  readonly sessionKey: string;
  /** null: the session is busy but the gateway does not say with which run. */
  readonly runId: string | null;
}
