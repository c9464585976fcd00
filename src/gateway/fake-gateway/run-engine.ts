import type { Clock } from '../../platform/clock.ts';
import type { DurableState, StoredTask } from './durable-state.ts';
import type { LiveRun } from './live-run.ts';
import { RunOutcomes, type Emit } from './run-outcomes.ts';
import { userRow } from './rows.ts';
import { planFromPrompt, waitFor, wordsOf, type Script } from './script.ts';
import type { WireLog } from './wire-log.ts';

/** What may change while a boot lives. */
export interface EngineSettings {
  /** How many runs execute at once (`agents.defaults.maxConcurrent`). */
  lanes: number;
  script: Script | null;
  /** Between the acknowledgement of an input and the begin of its turn. */
  beginDelayMs: number;
  /** What the gateway says of its event loop (`delayP99Ms`). */
  eventLoopDelayMs: number;
}

export interface EngineOptions {
  readonly bootId: string;
  readonly clock: Clock;
  readonly state: DurableState;
  readonly log: WireLog;
  readonly settings: EngineSettings;
  readonly emit: Emit;
  /** Aborts when the boot ends, however it ends. */
  readonly boot: AbortSignal;
}

export interface NewRun {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly message: string;
  readonly prompt: string;
  readonly origin: LiveRun['origin'];
  readonly resumes: string | null;
  readonly timeoutMs: number | null;
}

/**
 * The runs of one boot: one at a time per session, first come first served, at most `lanes` at once. Everything it
 * holds is memory and gone with the boot; what lasts goes to the `DurableState` first.
 */
export class RunEngine {
  readonly #options: EngineOptions;
  readonly #outcomes: RunOutcomes;
  readonly #runs = new Map<string, LiveRun>();
  readonly #waiting: LiveRun[] = [];
  readonly #busySessions = new Map<string, LiveRun>();
  readonly #executions = new Map<string, number>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#outcomes = new RunOutcomes({ ...options, onEnded: (run) => this.#release(run) });
  }

  run(runId: string): LiveRun | null {
    return this.#runs.get(runId) ?? null;
  }

  /** Executing and queued runs of a session, in the order in which they execute. */
  liveRuns(sessionKey: string): readonly LiveRun[] {
    const executing = this.#busySessions.get(sessionKey);
    const queued = this.#waiting.filter((run) => run.sessionKey === sessionKey);
    return executing === undefined ? queued : [executing, ...queued];
  }

  activeCount(): number {
    return this.#busySessions.size;
  }

  queuedCount(): number {
    return this.#waiting.length;
  }

  /** Takes a run; its input is durable when this returns. It begins when its session and a lane are free. */
  accept(run: NewRun): LiveRun {
    const { clock, state } = this.#options;
    const acceptedAt = clock.now();
    const session = state.openSession(run.sessionKey, run.agentId, acceptedAt);
    const live: LiveRun = {
      ...run,
      sessionId: session.sessionId,
      acceptedAt,
      stop: new AbortController(),
      phase: 'queued',
      startedAt: null,
      outputTokens: 0,
      seq: 0,
      end: null,
      endedAtMonotonic: 0,
      onEnd: new Set(),
    };
    this.#runs.set(run.runId, live);
    if (run.origin !== 'chat') this.#storePending(live);
    this.#waiting.push(live);
    return live;
  }

  /** Lets an accepted run begin as soon as it may; the caller has acknowledged it by now. */
  async release(run: LiveRun): Promise<void> {
    const { boot, clock, settings } = this.#options;
    if (!(await waitFor(clock, settings.beginDelayMs, boot))) return;
    if (run.phase === 'queued' && run.origin !== 'chat') this.#book(run, 'queued');
    this.#pump();
  }

  /** Ends an executing or queued run at once; false when there is none. */
  abort(run: LiveRun): boolean {
    if (run.phase === 'ended') return false;
    const index = this.#waiting.indexOf(run);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#outcomes.aborted(run);
    return true;
  }

  /** Ends a run that never gets a turn: its key was finished in an earlier boot. */
  rejectFinishedKey(run: LiveRun): void {
    const index = this.#waiting.indexOf(run);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#dropPending(run);
    this.#outcomes.failed(run, 'unknown');
  }

  /** Looks for runs that may begin; called whenever a session or a lane became free. */
  #pump(): void {
    const { lanes } = this.#options.settings;
    for (let index = 0; index < this.#waiting.length && this.#busySessions.size < lanes;) {
      const run = this.#waiting[index];
      if (run === undefined) return;
      if (this.#busySessions.has(run.sessionKey)) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      void this.#execute(run);
    }
  }

  async #execute(run: LiveRun): Promise<void> {
    const { boot, clock, settings } = this.#options;
    this.#busySessions.set(run.sessionKey, run);
    const root = run.resumes ?? run.runId;
    const nth = (this.#executions.get(root) ?? 0) + 1;
    this.#executions.set(root, nth);
    const turn = {
      runId: run.runId,
      sessionKey: run.sessionKey,
      prompt: run.prompt,
      isRecovery: run.origin === 'recovery',
      nth,
    };
    const plan = settings.script?.(turn) ?? planFromPrompt(run.prompt);
    if (plan.kind === 'fail' && wordsOf(plan.failure).beforeReply) {
      return this.#outcomes.failedBeforeReply(run, plan.failure);
    }
    this.#begin(run);
    const ended = AbortSignal.any([run.stop.signal, boot]);
    if (plan.kind === 'answer' && !(await this.#callTools(run, plan, ended))) return;
    const planMs = plan.kind === 'hang' ? Number.POSITIVE_INFINITY : (plan.delayMs ?? 0);
    const limitMs = run.timeoutMs ?? Number.POSITIVE_INFINITY;
    const waitMs = Math.min(planMs, limitMs, MAX_WAIT_MS);
    if (!(await waitFor(clock, waitMs, ended)) || run.phase === 'ended') return;
    if (planMs > limitMs) return this.#outcomes.timedOut(run);
    if (plan.kind === 'answer') return this.#outcomes.answered(run, plan.text);
    if (plan.kind === 'fail') return this.#outcomes.failed(run, plan.failure);
  }

  /** The model calls before the last one, each of which only asks for a tool; false when the turn ended meanwhile. */
  async #callTools(
    run: LiveRun,
    { calls = 1, delayMs = 0 }: { readonly calls?: number; readonly delayMs?: number },
    ended: AbortSignal,
  ): Promise<boolean> {
    for (let call = 1; call < calls; call += 1) {
      if (!(await waitFor(this.#options.clock, delayMs, ended)) || run.phase === 'ended')
        return false;
      this.#outcomes.calledTool(run);
    }
    return true;
  }

  #begin(run: LiveRun): void {
    const { bootId, clock, log, state, emit } = this.#options;
    const atMs = clock.now();
    run.phase = 'executing';
    run.startedAt = atMs;
    const session = state.openSession(run.sessionKey, run.agentId, atMs);
    const recoveries = run.origin === 'recovery' ? session.recoveries + 1 : 0;
    state.patch(run.sessionKey, {
      status: 'running',
      abortedLastRun: false,
      updatedAt: atMs,
      openRunId: run.resumes ?? run.runId,
      openPrompt: run.prompt,
      recoveries,
      pending: session.pending.filter((item) => item.runId !== run.runId),
    });
    state.appendRow(
      run.sessionKey,
      userRow(run.runId, run.message, { seq: session.rows.length + 1, atMs }),
    );
    this.#book(run, 'running');
    log.add({
      kind: 'run-start',
      atMs,
      bootId,
      runId: run.runId,
      sessionKey: run.sessionKey,
      resumes: run.resumes,
    });
    emit.lifecycle(run, { phase: 'start', startedAt: atMs });
  }

  #book(run: LiveRun, execution: StoredTask['execution']): void {
    if (run.origin === 'chat') return;
    const { clock, state, emit } = this.#options;
    const atMs = clock.now();
    const task: StoredTask = {
      taskId: state.task(run.runId)?.taskId ?? crypto.randomUUID(),
      runId: run.runId,
      sessionKey: run.sessionKey,
      agentId: run.agentId,
      title: run.message.slice(0, 80),
      status: 'running',
      execution,
      createdAt: run.acceptedAt,
      updatedAt: atMs,
      endedAt: null,
      error: null,
    };
    state.putTask(task);
    emit.task(task);
  }

  #storePending(run: LiveRun): void {
    const { state } = this.#options;
    const session = state.session(run.sessionKey);
    const id = crypto.randomUUID();
    const message = {
      role: 'user',
      content: run.message,
      timestamp: run.acceptedAt,
      __openclaw: { senderIsOwner: true, id: `pending:${id}` },
    };
    const item = {
      id,
      runId: run.runId,
      acceptedAt: run.acceptedAt,
      state: 'queued' as const,
      message,
    };
    state.patch(run.sessionKey, { pending: [...(session?.pending ?? []), item] });
  }

  #dropPending(run: LiveRun): void {
    const session = this.#options.state.session(run.sessionKey);
    const pending = (session?.pending ?? []).filter((item) => item.runId !== run.runId);
    this.#options.state.patch(run.sessionKey, { pending });
  }

  #release(run: LiveRun): void {
    if (this.#busySessions.get(run.sessionKey) === run) this.#busySessions.delete(run.sessionKey);
    this.#pump();
  }
}

/** Longer than any test; keeps an endless turn within what a timer can hold. */
const MAX_WAIT_MS = 2_000_000_000;
