import type { AttemptRecord } from '../../../src/db/attempt-record.ts';
import type { AttemptStands, BeginSendingResult } from '../../../src/db/attempt-run.ts';
import type { SettleOptions, SettleResult } from '../../../src/db/settle.ts';
import type {
  AttemptOutcome,
  AttemptState,
  IndeterminateReason,
} from '../../../src/domain/attempt.ts';
import { isOpen } from '../../../src/domain/attempt.ts';
import type { RunFailure } from '../../../src/domain/failure.ts';
import { takesWork, type GatewayState } from '../../../src/domain/gateway.ts';
import {
  isTerminal,
  type CancelReason,
  type TaskEnd,
  type TaskState,
} from '../../../src/domain/task.ts';
import type { RunRows } from '../../../activities/run-task/ports.ts';
import type { SimProcess, World } from './world.ts';

export interface SimTask {
  readonly taskId: string;
  readonly sessionKey: string | null;
  state: TaskState;
  end: TaskEnd | null;
  cancelRequested: CancelReason | null;
  cancelRequestedAtMs: number | null;
  readonly deadlineAtMs: number | null;
  readonly runLimitSeconds: number;
  readonly maxAttempts: number;
  readonly attempts: SimAttempt[];
}

export interface SimAttempt {
  readonly attemptId: string;
  readonly number: number;
  readonly task: SimTask;
  state: AttemptState;
  holdsLane: boolean;
  runIds: string[];
  recoveryRunIds: string[];
  bootId: string | null;
  stateId: string | null;
  sendingAtMs: number | null;
  committedAtMs: number | null;
  everAccepted: boolean;
  outcome: AttemptOutcome | null;
  failure: RunFailure | null;
  indeterminateReason: IndeterminateReason | null;
  indeterminateAt: string | null;
  unexpected: number;
}

/** Rules of the rows that a test can take away, to see that it would notice. */
export interface RowRules {
  readonly epochs: boolean;
  readonly cancelBeforeSending: boolean;
}

/** What the rows tell those who check them. */
export interface RowWatch {
  settling(task: SimTask, attempt: SimAttempt, options: SettleOptions): void;
  closing(attempt: SimAttempt, outcome: AttemptOutcome, failure: RunFailure | null): void;
  releasing(attempt: SimAttempt): void;
  indeterminate(attempt: SimAttempt, reason: IndeterminateReason, keepLane: boolean): void;
  laneFreed(attempt: SimAttempt): void;
  cancelRequested(task: SimTask): void;
}

/**
 * The rows with the conditional semantics of the real stores (src/db), one call at a time. A call can fail before it
 * was applied, or after: its caller cannot tell which.
 */
export class SimRows {
  readonly tasks = new Map<string, SimTask>();
  readonly gateway = {
    state: 'open' as GatewayState,
    ownerEpoch: 0,
    epochSinceMs: 0,
    formerEpoch: 0,
  };
  away = false;
  readonly #world: World;
  readonly #rules: RowRules;
  readonly #watch: RowWatch;

  constructor(world: World, rules: RowRules, watch: RowWatch) {
    this.#world = world;
    this.#rules = rules;
    this.#watch = watch;
  }

  attempt(attemptId: string): SimAttempt {
    for (const task of this.tasks.values()) {
      const found = task.attempts.find((attempt) => attempt.attemptId === attemptId);
      if (found !== undefined) return found;
    }
    throw new Error(`no attempt ${attemptId}`);
  }

  /** Whether an earlier task of its session has not ended: one open attempt per session, in order (P1, R1). */
  waitsInSession(task: SimTask): boolean {
    if (task.sessionKey === null) return false;
    for (const other of this.tasks.values()) {
      if (other === task) return false;
      if (other.sessionKey === task.sessionKey && !isTerminal(other.state)) return true;
    }
    return false;
  }

  /** P1: the database refuses a second open attempt. */
  insertAttempt(task: SimTask): SimAttempt {
    if (task.attempts.some((attempt) => isOpen(attempt.state))) {
      this.#world.violated(`P1: a second open attempt of ${task.taskId}`);
    }
    const attempt: SimAttempt = {
      attemptId: `${task.taskId}/${task.attempts.length + 1}`,
      number: task.attempts.length + 1,
      task,
      state: 'planned',
      holdsLane: true,
      runIds: [],
      recoveryRunIds: [],
      bootId: null,
      stateId: null,
      sendingAtMs: null,
      committedAtMs: null,
      everAccepted: false,
      outcome: null,
      failure: null,
      indeterminateReason: null,
      indeterminateAt: null,
      unexpected: 0,
    };
    task.attempts.push(attempt);
    task.state = 'dispatched';
    return attempt;
  }

  /** What a drain does to attempts that were not sent yet (P38); needs no epoch. */
  releasePlanned(taskId: string): void {
    const attempt = this.tasks.get(taskId)?.attempts.at(-1);
    if (attempt?.state !== 'planned') return;
    this.#world.note(`${attempt.attemptId} is released by a drain`);
    this.#release({ attemptId: attempt.attemptId, from: 'planned', reason: 'drain' });
  }

  takeOwnership(ownerEpoch: number): void {
    if (ownerEpoch <= this.gateway.ownerEpoch) return;
    this.gateway.formerEpoch = this.gateway.ownerEpoch;
    this.gateway.ownerEpoch = ownerEpoch;
    this.gateway.epochSinceMs = this.#world.timeMs;
  }

  requestCancel(taskId: string, reason: CancelReason): void {
    const task = this.tasks.get(taskId)!;
    if (isTerminal(task.state)) return;
    if (!task.attempts.some((attempt) => isOpen(attempt.state)) && task.state !== 'dispatched') {
      this.#endTask(task, { state: 'cancelled', output: null, usage: null, failure: null });
      return;
    }
    if (task.cancelRequested !== null) return;
    task.cancelRequested = reason;
    task.cancelRequestedAtMs = this.#world.timeMs;
    this.#watch.cancelRequested(task);
  }

  /** The workflow's own end of a task that has no open attempt. */
  bury(task: SimTask, state: 'dead' | 'cancelled'): void {
    if (!isTerminal(task.state)) {
      this.#endTask(task, { state, output: null, usage: null, failure: null });
    }
  }

  readOwnerEpoch(process: SimProcess): Promise<number> {
    return this.#call(process, () => this.gateway.ownerEpoch);
  }

  /** The stores as one process sees them. */
  boundTo(process: SimProcess): RunRows {
    const call = <Answer>(apply: () => Answer): Promise<Answer> => this.#call(process, apply);
    return {
      readAttempt: (attemptId) => call(() => this.#record(this.attempt(attemptId))),
      readCancelRequests: (attemptIds) =>
        call(() =>
          attemptIds
            .map((attemptId) => this.attempt(attemptId))
            .filter(({ state, task }) => isOpen(state) && task.cancelRequested !== null)
            .map(({ attemptId, task }) => ({
              attemptId,
              taskId: task.taskId,
              reason: task.cancelRequested!,
            })),
        ),
      beginSending: (options) => call(() => this.#beginSending(options)),
      markAccepted: (options) => call(() => this.#mark(options, ['sending', 'accepted'], accepted)),
      adoptRecovery: (options) =>
        call(() =>
          this.#mark(options, ['sending', 'accepted'], (attempt) => {
            accepted(attempt);
            if (!attempt.recoveryRunIds.includes(options.runId)) {
              attempt.recoveryRunIds.push(options.runId);
            }
          }),
        ),
      countUsage: () => call(() => ({ kind: 'ok', budget: null })),
      closeAttempt: (options) => call(() => this.#close(options)),
      releaseAttempt: (options) => call(() => this.#release(options)),
      settleTask: (options) => call(() => this.#settle(options)),
      markIndeterminate: (options) =>
        call(() =>
          this.#mark(options, ['planned', 'sending', 'accepted', 'indeterminate'], (attempt) => {
            if (attempt.state !== 'indeterminate') {
              this.#watch.indeterminate(attempt, options.reason, options.keepLane);
              attempt.state = 'indeterminate';
              attempt.indeterminateReason = options.reason;
              attempt.indeterminateAt = iso(this.#world.timeMs);
            }
            attempt.holdsLane &&= options.keepLane;
          }),
        ),
      freeLane: (options) =>
        call(() =>
          this.attempt(options.attemptId).indeterminateAt === options.indeterminateAt
            ? this.#mark(options, ['indeterminate'], (attempt) => {
                this.#watch.laneFreed(attempt);
                attempt.holdsLane = false;
              })
            : stands(this.attempt(options.attemptId), 'state'),
        ),
      recoverFromIndeterminate: (options) =>
        call(() =>
          this.#mark(options, ['indeterminate'], (attempt) => {
            accepted(attempt);
            attempt.holdsLane = true;
            attempt.indeterminateAt = null;
            attempt.task.state = 'dispatched';
          }),
        ),
      markUnexpected: (attemptId) => call(() => (this.attempt(attemptId).unexpected += 1)),
      requestCancel: ({ taskId, reason }) =>
        call(() => {
          const task = this.tasks.get(taskId)!;
          if (isTerminal(task.state)) return { kind: 'terminal', state: task.state };
          this.requestCancel(taskId, reason);
          return {
            kind: 'requested',
            reason: task.cancelRequested ?? reason,
            attemptId: null,
            workflowId: '',
            gatewayId: null,
          };
        }),
    };
  }

  #call<Answer>(process: SimProcess, apply: () => Answer): Promise<Answer> {
    const world = this.#world;
    return new Promise((resolve, reject) => {
      const lose = (): void =>
        world.at(
          1,
          () => reject(Object.assign(new Error('away'), { code: 'ECONNRESET' })),
          process,
        );
      world.at(world.between(1, 5), () => {
        if (this.away) return lose();
        let answer: Answer;
        try {
          answer = apply();
        } catch (error) {
          world.at(1, () => reject(error as Error), process);
          return;
        }
        if (this.away || world.chance(0.003)) return lose();
        world.at(world.between(1, 5), () => resolve(answer), process);
      });
    });
  }

  #superseded(ownerEpoch: number | undefined): boolean {
    if (ownerEpoch === undefined || ownerEpoch === this.gateway.ownerEpoch) return false;
    if (!this.#rules.epochs) this.#world.violated(`P25: a write of epoch ${ownerEpoch} is taken`);
    return this.#rules.epochs;
  }

  #beginSending(options: {
    attemptId: string;
    ownerEpoch: number;
    runId: string;
    bootId: string;
    stateId: string;
  }): BeginSendingResult {
    const attempt = this.attempt(options.attemptId);
    const refused = (reason: Extract<BeginSendingResult, { kind: 'refused' }>['reason']) =>
      ({ kind: 'refused', reason }) as const;
    if (!['planned', 'sending', 'accepted'].includes(attempt.state)) return refused('not-open');
    if (this.#superseded(options.ownerEpoch)) return refused('superseded-owner');
    if (this.#rules.cancelBeforeSending && attempt.task.cancelRequested !== null) {
      return refused('cancel-requested');
    }
    if (!takesWork(this.gateway.state)) return refused('gateway-closed');
    attempt.state = 'sending';
    attempt.bootId = options.bootId;
    attempt.stateId = options.stateId;
    attempt.sendingAtMs = this.#world.timeMs;
    attempt.committedAtMs = this.#world.timeMs;
    if (!attempt.runIds.includes(options.runId)) attempt.runIds.push(options.runId);
    return { kind: 'ok' };
  }

  #mark(
    options: { attemptId: string; ownerEpoch?: number },
    from: readonly AttemptState[],
    change: (attempt: SimAttempt) => void,
  ): { kind: 'ok' } | AttemptStands {
    const attempt = this.attempt(options.attemptId);
    if (this.#superseded(options.ownerEpoch)) return stands(attempt, 'superseded-owner');
    if (!from.includes(attempt.state)) return stands(attempt, 'state');
    change(attempt);
    return { kind: 'ok' };
  }

  #close(
    options: Parameters<RunRows['closeAttempt']>[0],
  ): Awaited<ReturnType<RunRows['closeAttempt']>> {
    const attempt = this.attempt(options.attemptId);
    const { task } = attempt;
    if (!isOpen(attempt.state)) return stands(attempt, 'state');
    if (this.#superseded(options.ownerEpoch)) return stands(attempt, 'superseded-owner');
    this.#watch.closing(attempt, options.outcome, options.failure ?? null);
    end(attempt, options.outcome, options.failure ?? null);
    return { kind: 'closed', attemptsUsed: used(task), maxAttempts: task.maxAttempts };
  }

  #release(
    options: Parameters<RunRows['releaseAttempt']>[0],
  ): Awaited<ReturnType<RunRows['releaseAttempt']>> {
    const attempt = this.attempt(options.attemptId);
    const { task } = attempt;
    const from = options.from === 'planned' ? 'planned' : 'sending';
    if (attempt.state !== from || (from === 'sending' && attempt.everAccepted)) {
      return stands(attempt, 'state');
    }
    if (this.#superseded(options.ownerEpoch)) return stands(attempt, 'superseded-owner');
    this.#watch.releasing(attempt);
    attempt.state = 'released';
    attempt.holdsLane = false;
    if (task.cancelRequested === null) {
      task.state = 'queued';
      return { kind: 'released', taskState: 'queued' };
    }
    const state = task.cancelRequested === 'budget' ? 'dead' : task.cancelRequested;
    const taskEnd: TaskEnd = { state, output: null, usage: null, failure: null };
    this.#endTask(task, taskEnd);
    return {
      kind: 'released',
      taskState: state,
      settled: { kind: 'settled', state, end: taskEnd, ...NO_SWARM },
    };
  }

  #settle(options: SettleOptions): SettleResult {
    const task = this.tasks.get(options.taskId)!;
    const attempt = this.attempt(options.attemptId!);
    const standing = (because: 'terminal' | 'superseded-owner' | 'not-current-attempt') =>
      ({ kind: 'stands', because, state: task.state, end: task.end, ...NO_SWARM }) as const;
    if (isTerminal(task.state)) return standing('terminal');
    if (this.#superseded(options.ownerEpoch)) return standing('superseded-owner');
    if (attempt !== task.attempts.at(-1) || !isOpen(attempt.state)) {
      return standing('not-current-attempt');
    }
    this.#watch.settling(task, attempt, options);
    end(attempt, options.attemptOutcome ?? 'succeeded', null);
    this.#endTask(task, options.end);
    return { kind: 'settled', state: options.end.state, end: options.end, ...NO_SWARM };
  }

  #endTask(task: SimTask, taskEnd: TaskEnd): void {
    task.state = taskEnd.state;
    task.end = taskEnd;
    this.#world.note(`task ${task.taskId} is ${taskEnd.state}`);
  }

  #record(attempt: SimAttempt): AttemptRecord {
    const { task } = attempt;
    const { timeMs } = this.#world;
    return {
      attemptId: attempt.attemptId,
      taskId: task.taskId,
      number: attempt.number,
      tenant: 'default',
      gatewayId: 'gw',
      ownerEpoch: 0,
      state: attempt.state,
      holdsLane: attempt.holdsLane,
      runIds: [...attempt.runIds],
      recoveryRunIds: [...attempt.recoveryRunIds],
      bootId: attempt.bootId,
      stateId: attempt.stateId,
      outcome: attempt.outcome,
      failure: attempt.failure,
      indeterminateReason: attempt.indeterminateReason,
      evidence: null,
      decision: null,
      usage: null,
      limit: { usd: null, tokens: null },
      route: {},
      unexpected: attempt.unexpected,
      releaseReason: null,
      plannedAt: iso(0),
      deliveredAt: null,
      sendingAt: attempt.sendingAtMs === null ? null : iso(attempt.sendingAtMs),
      sendingForMs: attempt.sendingAtMs === null ? null : timeMs - attempt.sendingAtMs,
      acceptedAt: null,
      indeterminateAt: attempt.indeterminateAt,
      closedAt: null,
      task: {
        state: task.state,
        end: task.end,
        seq: 1,
        prompt: task.taskId,
        agent: 'main',
        sessionKey: task.sessionKey,
        priority: 3,
        swarmId: null,
        workflowId: `task/${task.taskId}`,
        correlationId: 'correlation',
        idempotent: false,
        cancelRequested: task.cancelRequested,
        cancelRequestedAt: null,
        deadlineAt: null,
        deadlineInMs: task.deadlineAtMs === null ? null : task.deadlineAtMs - timeMs,
        runLimitSeconds: task.runLimitSeconds,
        maxAttempts: task.maxAttempts,
        attemptsUsed: used(task),
        createdAt: iso(0),
      },
      budget: null,
      gateway: {
        kind: 'adopted',
        endpoint: '',
        state: this.gateway.state,
        ownerHost: null,
        ownerEpoch: this.gateway.ownerEpoch,
        bootId: null,
        stateId: null,
      },
    };
  }
}

const NO_SWARM = { swarmId: null, swarmBecameDirty: false } as const;

function accepted(attempt: SimAttempt): void {
  attempt.state = 'accepted';
  attempt.everAccepted = true;
}

function end(attempt: SimAttempt, outcome: AttemptOutcome, failure: RunFailure | null): void {
  attempt.state = 'closed';
  attempt.outcome = outcome;
  attempt.failure = failure;
  attempt.holdsLane = false;
}

function used(task: SimTask): number {
  return task.attempts.filter((attempt) => attempt.state !== 'released').length;
}

function stands(attempt: SimAttempt, because: AttemptStands['because']): AttemptStands {
  return {
    kind: 'stands',
    because,
    state: attempt.state,
    outcome: attempt.outcome,
    taskState: attempt.task.state,
  };
}

function iso(atMs: number): string {
  return new Date(1_800_000_000_000 + atMs).toISOString();
}
