import type { RunAnswer, RunFailure } from '../../../src/domain/failure.ts';
import type { Look, OwnRun } from '../../../src/domain/look.ts';
import type { SendResult } from '../../../src/gateway/connection.ts';
import { GatewayCallError } from '../../../src/gateway/gateway-call-error.ts';
import type { World } from './world.ts';

/** How one execution goes; taken in turn by whatever executes next. */
export interface Turn {
  readonly ms: number;
  readonly end: 'answer' | 'fail' | 'hang';
}

export interface GatewayScript {
  readonly turns: readonly Turn[];
  /** How long after ready a recovery appears, per recovery; null: never. */
  readonly recoveryMs: readonly (number | null)[];
}

/** A run as it truly is, whatever anybody knows of it. */
export interface TrueRun {
  readonly runId: string;
  readonly sessionKey: string;
  readonly origin: 'dash' | 'recovery' | 'foreign';
  /** The own run id that a recovery resumes. */
  readonly resumes: string | null;
  status:
    | 'queued'
    | 'executing'
    | 'answered'
    | 'failed'
    | 'aborted'
    | 'input-interrupted'
    | 'turn-interrupted';
  began: boolean;
  /** Until then the books trail: the run executes no more, and its end does not show yet. */
  bookedAtMs: number;
  readonly timeoutMs: number;
}

export interface GatewayWatch {
  /** A turn is about to begin. */
  began(run: TrueRun): void;
  /** A request to run arrived. */
  arrived(runId: string, known: TrueRun | null): void;
  /** The state directory goes back to a copy of itself that has none of these. */
  sessionsLost(runs: readonly TrueRun[]): void;
  /** Since `fromMs` nobody could look; now it can be done again. */
  seenAgain(fromMs: number): void;
  /** A request to end a run arrived and met one that executes or is queued. */
  aborted(run: TrueRun): void;
}

const READY_AFTER_MS = 3_000;
const MAX_RECOVERIES = 3;
const MAX_LAG_MS = 300;

/**
 * An OpenClaw gateway as far as the protocol can tell: durable transcript, dedupe within one boot only, interrupted
 * inputs that never run, turns that resume by themselves under a new run id, one after the other, one turn at a time
 * per session.
 */
export class SimGateway {
  bootId = 'boot-1';
  up = true;
  draining = false;
  /** Requests to end a run are answered, and nothing ends. */
  ignoresAborts = false;
  readyAtMs = 0;
  lastRecoveryEndedAtMs = 0;
  stateId = 'state-1';
  /** Since when nobody can look, null while it can be looked at. */
  unseenSinceMs: number | null = null;
  wipedAtMs: number | null = null;
  lostSessionsAtMs: number | null = null;
  /** What stands in the state directory. */
  readonly runs: TrueRun[] = [];
  /** Everything that ever ran, also what the gateway has lost since. */
  readonly ever: TrueRun[] = [];
  readonly #world: World;
  readonly #script: GatewayScript;
  readonly #watch: GatewayWatch;
  readonly #dedupe = new Set<string>();
  readonly #endListeners = new Set<(runId: string) => void>();
  readonly #bootListeners = new Set<() => void>();
  #turns = 0;
  #recoveries = 0;
  #toResume: TrueRun[] = [];
  #boots = 1;

  constructor(world: World, script: GatewayScript, watch: GatewayWatch) {
    this.#world = world;
    this.#script = script;
    this.#watch = watch;
  }

  onEnd(listener: (runId: string) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** The process died or is ready again. */
  onBoot(listener: () => void): void {
    this.#bootListeners.add(listener);
  }

  executing(): TrueRun[] {
    return this.runs.filter((run) => run.status === 'executing');
  }

  /** How long this boot has neither been starting nor resuming a turn. */
  noRecoveryForMs(): number {
    const resumes = this.runs.some(
      ({ origin, status }) =>
        origin === 'recovery' && (status === 'executing' || status === 'queued'),
    );
    return resumes ? 0 : this.#world.timeMs - this.lastRecoveryEndedAtMs;
  }

  busy(): boolean {
    return this.runs.some((run) => run.status === 'executing' || run.status === 'queued');
  }

  endedInThisBoot(runId: string): boolean {
    const status = this.#find(runId)?.status ?? '';
    return this.#dedupe.has(runId) && ['answered', 'failed', 'aborted'].includes(status);
  }

  // What a client may ask. Each runs at the moment the request arrives.

  agent(request: { runId: string; sessionKey: string; timeoutSeconds: number }): SendResult {
    const { runId, sessionKey } = request;
    const known = this.#find(runId);
    if (this.draining) {
      const retry = { retryable: true, retryAfterMs: 500 };
      return { kind: 'refused', reason: 'draining', message: 'draining', ...retry };
    }
    if (this.#dedupe.has(runId)) return { kind: 'in-flight' };
    this.#watch.arrived(runId, known);
    if (known !== null) {
      throw unknown('agent', 'UNAVAILABLE', 'Pending input ownership ended; submit a new turn');
    }
    this.#dedupe.add(runId);
    const timeoutMs = request.timeoutSeconds * 1_000;
    const run: TrueRun = {
      runId,
      sessionKey,
      origin: 'dash',
      resumes: null,
      status: 'queued',
      began: false,
      bookedAtMs: 0,
      timeoutMs,
    };
    this.#add(run);
    this.#beginSoon(sessionKey);
    return { kind: 'accepted' };
  }

  abort(runId: string): { aborted: boolean } {
    if (this.draining) throw refused('sessions.abort');
    const run = this.ignoresAborts ? null : this.#find(runId);
    if (run === null || (run.status !== 'executing' && run.status !== 'queued')) {
      return { aborted: false };
    }
    this.#watch.aborted(run);
    this.#end(run, 'aborted');
    return { aborted: true };
  }

  look(sessionKey: string, runIds: readonly string[]): Look {
    if (this.draining) return { kind: 'refused', reason: 'draining', retryAfterMs: 500 };
    const session = this.runs.filter((run) => run.sessionKey === sessionKey);
    const recoveries = session.filter(
      (run) => run.origin === 'recovery' && runIds.includes(run.resumes ?? ''),
    );
    const known = new Set([...runIds, ...recoveries.map((run) => run.runId)]);
    return {
      kind: 'seen',
      gateway: {
        bootId: this.bootId,
        stateId: this.stateId,
        readyForMs: this.#world.timeMs - this.readyAtMs,
        noRecoveryForMs: this.noRecoveryForMs(),
      },
      own: runIds.map((runId) => ownRun(runId, this.#find(runId), this.#world.timeMs)),
      recoveries: recoveries.map((run) => ({
        runId: run.runId,
        ownRunId: run.resumes ?? '',
        executing: run.status === 'executing' || run.status === 'queued',
        answer: answerOf(run, this.#world.timeMs),
        failure: failureOf(run, this.#world.timeMs),
        usage: null,
      })),
      foreignRunIds: session
        .filter((run) => !known.has(run.runId))
        .filter((run) => run.status === 'executing' || run.status === 'queued')
        .map((run) => run.runId),
      sessionStatus: session.length === 0 ? null : 'known',
    };
  }

  // What can happen to a gateway.

  /** A person chats in the session. */
  chat(sessionKey: string, ms: number): void {
    if (!this.up) return;
    const runId = `chat-${this.runs.length}`;
    const run: TrueRun = {
      runId,
      sessionKey,
      origin: 'foreign',
      resumes: null,
      status: 'queued',
      began: false,
      bookedAtMs: 0,
      timeoutMs: ms,
    };
    this.#add(run);
    this.#beginSoon(sessionKey);
  }

  crash(downMs: number, loss: 'none' | 'state' | 'sessions'): void {
    if (!this.up) return;
    this.#world.note(`gateway crashes (${loss})`);
    this.up = false;
    this.draining = false;
    this.unseenSinceMs ??= this.#world.timeMs;
    this.#dedupe.clear();
    for (const run of this.runs) {
      if (run.status === 'executing') run.status = 'turn-interrupted';
      if (run.status === 'queued') run.status = 'input-interrupted';
    }
    if (loss === 'sessions') this.#watch.sessionsLost(this.runs);
    if (loss !== 'none') this.runs.length = 0;
    if (loss === 'state') {
      this.stateId = `state-of-${this.#boots + 1}`;
      this.wipedAtMs = this.#world.timeMs;
    }
    if (loss === 'sessions') this.lostSessionsAtMs = this.#world.timeMs;
    for (const listener of this.#bootListeners) listener();
    this.#world.at(downMs + READY_AFTER_MS, () => this.#start());
  }

  drain(ms: number): void {
    if (!this.up || this.draining) return;
    this.#world.note('gateway drains');
    this.draining = true;
    this.unseenSinceMs ??= this.#world.timeMs;
    const { bootId } = this;
    this.#world.at(ms, () => {
      if (this.bootId !== bootId || !this.draining) return;
      this.#world.note('gateway takes work again');
      this.draining = false;
      this.#seenAgain();
    });
  }

  #start(): void {
    this.#boots += 1;
    this.bootId = `boot-${this.#boots}`;
    this.up = true;
    this.readyAtMs = this.#world.timeMs;
    this.#seenAgain();
    this.#world.note(`gateway ready as ${this.bootId}`);
    for (const listener of this.#bootListeners) listener();
    this.lastRecoveryEndedAtMs = this.readyAtMs;
    this.#toResume = this.#interrupted();
    this.#resumeNext();
  }

  /** The newest turn of each session, where a crash interrupted it. */
  #interrupted(): TrueRun[] {
    const newest = new Map<string, TrueRun>();
    for (const run of this.runs) if (run.began) newest.set(run.sessionKey, run);
    return [...newest.values()].filter(
      (run) => run.status === 'turn-interrupted' && run.origin !== 'foreign',
    );
  }

  /** One at a time: the next one begins its delay when the one before it has ended. */
  #resumeNext(): void {
    const last = this.#toResume.shift();
    if (last === undefined) return;
    const { sessionKey } = last;
    const resumes = last.resumes ?? last.runId;
    const before = this.runs.filter((run) => run.resumes === resumes).length;
    const delays = this.#script.recoveryMs;
    const delayMs = delays.length === 0 ? 5_000 : delays[this.#recoveries % delays.length];
    this.#recoveries += 1;
    if (before >= MAX_RECOVERIES || delayMs === null || delayMs === undefined) {
      return this.#resumeNext();
    }
    const { bootId } = this;
    this.#world.at(delayMs, () => {
      if (!this.up || this.bootId !== bootId || !this.runs.includes(last)) return;
      const run: TrueRun = {
        runId: `recovery-${this.runs.length}-of-${resumes}`,
        sessionKey,
        origin: 'recovery',
        resumes,
        status: 'queued',
        began: false,
        bookedAtMs: 0,
        timeoutMs: last.timeoutMs,
      };
      this.#add(run);
      this.#dedupe.add(run.runId);
      this.#beginSoon(sessionKey);
    });
  }

  #beginSoon(sessionKey: string): void {
    const { bootId } = this;
    this.#world.at(this.#world.between(1, 40), () => {
      if (!this.up || this.bootId !== bootId) return;
      const session = this.runs.filter((run) => run.sessionKey === sessionKey);
      const next = session.find((run) => run.status === 'queued');
      if (next === undefined || session.some((run) => run.status === 'executing')) return;
      this.#begin(next);
    });
  }

  #begin(run: TrueRun): void {
    this.#world.note(`run ${run.runId} begins`);
    this.#watch.began(run);
    run.status = 'executing';
    run.began = true;
    const turn =
      run.origin === 'foreign'
        ? ({ ms: run.timeoutMs, end: 'answer' } as const)
        : (this.#script.turns[this.#turns++ % this.#script.turns.length] as Turn);
    const { bootId } = this;
    const ms = turn.end === 'hang' ? run.timeoutMs : Math.min(turn.ms, run.timeoutMs);
    this.#world.at(ms, () => {
      if (this.bootId !== bootId || !this.up || run.status !== 'executing') return;
      this.#end(run, turn.end === 'answer' ? 'answered' : 'failed');
    });
  }

  #end(run: TrueRun, status: 'answered' | 'failed' | 'aborted'): void {
    this.#world.note(`run ${run.runId} is ${status}`);
    run.status = status;
    run.bookedAtMs = this.#world.timeMs + this.#world.between(0, MAX_LAG_MS);
    if (run.origin === 'recovery') {
      this.lastRecoveryEndedAtMs = this.#world.timeMs;
      this.#resumeNext();
    }
    for (const listener of this.#endListeners) listener(run.runId);
    this.#beginSoon(run.sessionKey);
  }

  #add(run: TrueRun): void {
    this.runs.push(run);
    this.ever.push(run);
  }

  #seenAgain(): void {
    if (this.unseenSinceMs !== null) this.#watch.seenAgain(this.unseenSinceMs);
    this.unseenSinceMs = null;
  }

  #find(runId: string): TrueRun | null {
    return this.runs.find((run) => run.runId === runId) ?? null;
  }
}

function ownRun(runId: string, run: TrueRun | null, nowMs: number): OwnRun {
  const status = run?.status ?? null;
  return {
    runId,
    userRow: run?.began ?? false,
    executing: status === 'executing' || status === 'queued',
    pendingInput:
      status === 'queued' ? 'queued' : status === 'input-interrupted' ? 'interrupted' : null,
    answer: run === null ? null : answerOf(run, nowMs),
    failure: run === null ? null : failureOf(run, nowMs),
    usage: null,
    endedByRestart: status === 'turn-interrupted',
  };
}

function answerOf(run: TrueRun, nowMs: number): RunAnswer | null {
  if (run.status !== 'answered' || nowMs < run.bookedAtMs) return null;
  return { runId: run.runId, text: `answer of ${run.runId}`, usage: null, model: null };
}

function failureOf(run: TrueRun, nowMs: number): RunFailure | null {
  if (run.status !== 'failed' && run.status !== 'aborted') return null;
  if (nowMs < run.bookedAtMs) return null;
  return {
    runId: run.runId,
    class: 'transient',
    message: run.status,
    retryAfterMs: null,
    aborted: run.status === 'aborted',
    timedOut: false,
  };
}

function unknown(method: string, code: string, message: string): GatewayCallError {
  return new GatewayCallError({ method, code, message, outcome: 'unknown' });
}

function refused(method: string): GatewayCallError {
  const retry = { retryable: true, retryAfterMs: 500 };
  return new GatewayCallError({
    method,
    code: 'UNAVAILABLE',
    message: 'draining',
    outcome: 'refused',
    ...retry,
  });
}
