import type { Clock } from '../../platform/clock.ts';
import type { DurableState, SessionStatus, StoredTask } from './durable-state.ts';
import type { LiveRun, RunEnd } from './live-run.ts';
import {
  assistantRow,
  failedBeforeReplyRow,
  FAKE_MODEL,
  FAKE_PROVIDER,
  terminalErrorRow,
  timedOutRow,
  toolCallRow,
  usageOf,
} from './rows.ts';
import { wordsOf, type ScriptedFailure } from './script.ts';
import type { WireLog } from './wire-log.ts';

/** Events to every connection that may read. */
export interface Emit {
  lifecycle(run: LiveRun, data: Readonly<Record<string, unknown>>): void;
  assistant(run: LiveRun, text: string, outputTokens: number): void;
  /** Tokens of all answers of the run so far. */
  usage(run: LiveRun, outputTokens: number): void;
  chat(run: LiveRun, data: Readonly<Record<string, unknown>>): void;
  task(task: StoredTask): void;
}

export interface OutcomeOptions {
  readonly bootId: string;
  readonly clock: Clock;
  readonly state: DurableState;
  readonly log: WireLog;
  readonly emit: Emit;
  readonly onEnded: (run: LiveRun) => void;
}

const TIMED_OUT =
  'Request timed out before a response was generated. Please try again, or increase `agents.defaults.timeoutSeconds` in your config.';
/** Stands for the words of a call for a tool. */
const TOOL_CALL = 'a call for a tool';
const ABORTED = 'This operation was aborted | 20';

interface Booking {
  readonly session: SessionStatus;
  readonly task: StoredTask['status'];
  readonly error: string | null;
  readonly abortedLastRun: boolean;
}

/** The ends that a run can have: what goes into transcript, ledger and session, and what clients are told. */
export class RunOutcomes {
  readonly #options: OutcomeOptions;

  constructor(options: OutcomeOptions) {
    this.#options = options;
  }

  /** One model call has ended that asks for a tool; the turn goes on. */
  calledTool(run: LiveRun): void {
    const { clock, emit } = this.#options;
    const usage = usageOf(run.prompt, TOOL_CALL);
    run.outputTokens += Number(usage['output']);
    emit.usage(run, run.outputTokens);
    this.#append(run, (seq) => toolCallRow(run.runId, usage, { seq, atMs: clock.now() }));
  }

  answered(run: LiveRun, text: string): void {
    const { clock, emit } = this.#options;
    const atMs = clock.now();
    const usage = usageOf(run.prompt, text);
    this.#append(run, (seq) => assistantRow(run.runId, text, usage, { seq, atMs }));
    this.#closeTurn(run);
    this.#settleBooks(run, {
      session: 'done',
      task: 'completed',
      error: null,
      abortedLastRun: false,
    });
    emit.assistant(run, text, run.outputTokens + Number(usage['output']));
    const reply = { terminalReply: { disposition: 'visible', text }, stopReason: 'stop' };
    emit.lifecycle(run, {
      phase: 'end',
      endedAt: atMs,
      aborted: false,
      executionSettled: true,
      ...reply,
    });
    emit.chat(run, {
      state: 'final',
      stopReason: 'stop',
      message: { role: 'assistant', content: [{ type: 'text', text }] },
    });
    this.#end(run, {
      outcome: 'done',
      endedAt: atMs,
      wait: { runId: run.runId, status: 'ok', startedAt: run.startedAt, endedAt: atMs, ...reply },
      final: {
        ok: true,
        error: null,
        payload: {
          runId: run.runId,
          status: 'ok',
          summary: 'completed',
          result: {
            payloads: [{ text, mediaUrl: null }],
            meta: { agentMeta: { provider: FAKE_PROVIDER, model: FAKE_MODEL, usage } },
          },
        },
      },
    });
  }

  failed(run: LiveRun, failure: ScriptedFailure): void {
    const { clock } = this.#options;
    const atMs = clock.now();
    const words = wordsOf(failure);
    this.#append(run, (seq) => terminalErrorRow(run.runId, words.row, { seq, atMs }));
    this.#closeTurn(run);
    this.#settleBooks(run, {
      session: 'failed',
      task: words.ledger,
      error: words.error,
      abortedLastRun: false,
    });
    this.#endBadly(run, words.error, atMs);
  }

  /** The turn never began: the input stays behind as `interrupted`, the transcript gets a note. */
  failedBeforeReply(run: LiveRun, failure: ScriptedFailure): void {
    const { clock } = this.#options;
    const atMs = clock.now();
    const words = wordsOf(failure);
    this.#append(run, (seq) => failedBeforeReplyRow(run.runId, words.row, { seq, atMs }));
    this.#markPending(run, 'interrupted');
    this.#closeTurn(run);
    this.#settleBooks(run, {
      session: 'failed',
      task: 'failed',
      error: words.error,
      abortedLastRun: false,
    });
    this.#endBadly(run, words.error, atMs);
  }

  timedOut(run: LiveRun): void {
    const { clock } = this.#options;
    const atMs = clock.now();
    this.#append(run, (seq) => timedOutRow(run.runId, { seq, atMs }));
    this.#closeTurn(run);
    this.#settleBooks(run, {
      session: 'timeout',
      task: 'timed_out',
      error: TIMED_OUT,
      abortedLastRun: false,
    });
    const { emit } = this.#options;
    const common = { error: TIMED_OUT, timeoutPhase: 'provider', endedAt: atMs };
    emit.lifecycle(run, { phase: 'error', ...common, aborted: false, executionSettled: true });
    emit.chat(run, { state: 'error', errorMessage: TIMED_OUT, errorKind: 'timeout' });
    this.#end(run, {
      outcome: 'timed-out',
      endedAt: atMs,
      wait: { runId: run.runId, status: 'timeout', startedAt: run.startedAt, ...common },
      final: {
        ok: true,
        error: null,
        payload: { runId: run.runId, status: 'timeout', summary: 'aborted' },
      },
    });
  }

  aborted(run: LiveRun): void {
    const { clock, emit } = this.#options;
    const atMs = clock.now();
    const began = run.phase === 'executing';
    if (!began) this.#markPending(run, 'cancelled');
    this.#closeTurn(run);
    this.#settleBooks(run, {
      session: 'killed',
      task: 'cancelled',
      error: ABORTED,
      abortedLastRun: true,
    });
    emit.chat(run, { state: 'aborted', stopReason: 'rpc' });
    emit.lifecycle(run, {
      phase: 'end',
      status: 'cancelled',
      aborted: true,
      stopReason: 'rpc',
      endedAt: atMs,
    });
    this.#end(run, {
      outcome: 'aborted',
      endedAt: atMs,
      wait: { runId: run.runId, status: 'error', endedAt: atMs, stopReason: 'rpc' },
      final: {
        ok: true,
        error: null,
        payload: { runId: run.runId, status: 'timeout', summary: 'aborted', stopReason: 'rpc' },
      },
    });
  }

  #endBadly(run: LiveRun, error: string, atMs: number): void {
    const { emit } = this.#options;
    emit.lifecycle(run, { phase: 'error', error, endedAt: atMs, executionSettled: true });
    emit.chat(run, { state: 'error', errorMessage: error });
    this.#end(run, {
      outcome: 'failed',
      endedAt: atMs,
      wait: { runId: run.runId, status: 'error', startedAt: run.startedAt, endedAt: atMs, error },
      final: { ok: false, error, payload: { runId: run.runId, status: 'error', summary: error } },
    });
  }

  /** The session has no open turn any more, unless another run's is open. */
  #closeTurn(run: LiveRun): void {
    const { state } = this.#options;
    const root = run.resumes ?? run.runId;
    if (state.session(run.sessionKey)?.openRunId !== root) return;
    state.patch(run.sessionKey, { openRunId: null, openPrompt: null, recoveries: 0 });
  }

  #append(run: LiveRun, make: (seq: number) => Readonly<Record<string, unknown>>): void {
    const { state } = this.#options;
    const seq = (state.session(run.sessionKey)?.rows.length ?? 0) + 1;
    state.appendRow(run.sessionKey, make(seq));
  }

  #markPending(run: LiveRun, mark: 'interrupted' | 'cancelled'): void {
    const { state } = this.#options;
    const pending = (state.session(run.sessionKey)?.pending ?? []).map((item) =>
      item.runId === run.runId ? { ...item, state: mark } : item,
    );
    state.patch(run.sessionKey, { pending });
  }

  #settleBooks(run: LiveRun, booking: Booking): void {
    const { clock, state, emit } = this.#options;
    const atMs = clock.now();
    state.patch(run.sessionKey, {
      status: booking.session,
      lastRunId: run.runId,
      lastRunError: booking.error,
      abortedLastRun: booking.abortedLastRun,
      updatedAt: atMs,
    });
    const task = state.task(run.runId);
    if (task === null) return;
    const settled: StoredTask = {
      ...task,
      status: booking.task,
      execution: 'finished',
      updatedAt: atMs,
      endedAt: atMs,
      error: booking.error,
    };
    state.putTask(settled);
    emit.task(settled);
  }

  #end(run: LiveRun, end: RunEnd): void {
    const { bootId, clock, log, onEnded } = this.#options;
    const began = run.phase === 'executing';
    run.phase = 'ended';
    run.end = end;
    run.endedAtMonotonic = clock.monotonic();
    run.stop.abort();
    if (began) {
      log.add({
        kind: 'run-end',
        atMs: end.endedAt,
        bootId,
        runId: run.runId,
        sessionKey: run.sessionKey,
        resumes: run.resumes,
        outcome: end.outcome,
      });
    }
    for (const tell of run.onEnd) tell(end);
    run.onEnd.clear();
    onEnded(run);
  }
}
