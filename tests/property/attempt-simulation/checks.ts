import type { AttemptOutcome, IndeterminateReason } from '../../../src/domain/attempt.ts';
import { isOpen } from '../../../src/domain/attempt.ts';
import type { AttemptPolicy } from '../../../src/domain/attempt-protocol-policy.ts';
import type { SettleOptions } from '../../../src/db/settle.ts';
import type { RunFailure } from '../../../src/domain/failure.ts';
import type { GatewayWatch, SimGateway, TrueRun } from './sim-gateway.ts';
import type { SimHost } from './sim-host.ts';
import type { RowWatch, SimAttempt, SimRows, SimTask } from './sim-rows.ts';
import type { World } from './world.ts';

/** An answer of the database may have been on its way while another host took over (P24). */
const PROOF_MAX_AGE_MS = 1_000;

/**
 * The checker. It knows what nobody in the system knows: what truly ran, what was truly lost. Everything that the
 * system claims is compared with that.
 */
export class Checks implements GatewayWatch, RowWatch {
  readonly #world: World;
  readonly #policy: AttemptPolicy;
  /** Turns begun by a request of Dash, per attempt. */
  readonly #begun = new Map<SimAttempt, number>();
  readonly #forgotten = new Set<SimAttempt>();
  /** When the gateway was last unable to show the truth: gone, draining, cut off. */
  readonly #blindness: { fromMs: number; untilMs: number }[] = [];
  rows!: SimRows;
  gateway!: SimGateway;
  /** Injected failures, so that "unexpected" can be justified. */
  thrown = 0;

  constructor(world: World, policy: AttemptPolicy) {
    this.#world = world;
    this.#policy = policy;
  }

  // At the gateway.

  began(run: TrueRun): void {
    const attempt = this.#attemptOf(run);
    if (attempt === null) return;
    if (this.gateway.executing().some((other) => this.#taskOf(other) === attempt.task)) {
      this.#world.violated(`two runs of ${attempt.task.taskId} execute at once`);
    }
    if (run.origin !== 'dash') return;
    const begun = (this.#begun.get(attempt) ?? 0) + 1;
    this.#begun.set(attempt, begun);
    if (begun > 1 && !this.#wasForgotten(attempt))
      this.#world.violated(`${attempt.attemptId} was executed twice by requests of Dash`);
    if (!isOpen(attempt.state)) {
      this.#world.violated(`${run.runId} begins when its attempt is ${attempt.state}`);
    }
  }

  /**
   * The one loss that nobody can see: a state directory that went back to an older copy of itself, sentinel included,
   * with a request in it that Dash had never heard of again. Once its acceptance stands in the row, it is `vanished`.
   */
  #wasForgotten(attempt: SimAttempt): boolean {
    return this.#forgotten.has(attempt);
  }

  sessionsLost(runs: readonly TrueRun[]): void {
    for (const run of runs) {
      const attempt = this.#attemptOf(run);
      if (attempt?.everAccepted === false) this.#forgotten.add(attempt);
    }
  }

  arrived(runId: string, known: TrueRun | null): void {
    if (known?.began === true) {
      this.#world.violated(`R10: ${runId} was sent again after it had begun (${known.status})`);
    }
  }

  aborted(run: TrueRun): void {
    const attempt = this.#attemptOf(run);
    if (attempt === null) return;
    if (attempt.task.cancelRequested === null && !this.#isOverdue(attempt)) {
      this.#world.violated(`P26: ${run.runId} was aborted and nobody had asked for it`);
    }
  }

  #isOverdue({ task, sendingAtMs }: SimAttempt): boolean {
    const limitMs = task.runLimitSeconds * 1_000 + this.#policy.runLimitMarginMs;
    return sendingAtMs !== null && this.#world.timeMs - sendingAtMs >= limitMs;
  }

  /** A request to run is written to the wire. */
  frame(host: SimHost, runId: string): void {
    const { ownerEpoch, formerEpoch, epochSinceMs } = this.rows.gateway;
    const fresh = this.#world.timeMs - epochSinceMs <= PROOF_MAX_AGE_MS;
    if (host.ownerEpoch !== ownerEpoch && !(fresh && host.ownerEpoch === formerEpoch)) {
      this.#world.violated(
        `P24: ${host.name} (epoch ${host.ownerEpoch}) sends ${runId}, the owner has ${ownerEpoch}`,
      );
    }
    const attempt = this.#attemptOfRunId(runId);
    if (attempt !== null) this.#onlyMessage(attempt, runId);
    const cancelledAtMs = attempt?.task.cancelRequestedAtMs ?? null;
    if (attempt === null || attempt.committedAtMs === null) {
      this.#world.violated(`P23: ${runId} is sent and no row says so`);
    } else if (cancelledAtMs !== null && attempt.committedAtMs > cancelledAtMs) {
      this.#world.violated(`P23: ${runId} was committed and sent after its cancel`);
    }
  }

  /** R1, R2: no second message of Dash is outstanding on a session. */
  #onlyMessage(attempt: SimAttempt, runId: string): void {
    const { task } = attempt;
    for (const run of this.gateway.runs) {
      const other = run.origin === 'dash' ? this.#taskOf(run) : null;
      const same =
        other === task || (task.sessionKey !== null && other?.sessionKey === task.sessionKey);
      const outstanding = run.status === 'executing' || run.status === 'queued';
      if (same && outstanding && run.runId !== runId) {
        this.#world.violated(`R2: ${runId} is sent while ${run.runId} is ${run.status}`);
      }
    }
  }

  blind(untilMs: number): void {
    this.#blindness.push({ fromMs: this.#world.timeMs, untilMs });
  }

  seenAgain(fromMs: number): void {
    this.#blindness.push({ fromMs, untilMs: this.#world.timeMs });
  }

  // In the rows.

  settling(task: SimTask, attempt: SimAttempt, options: SettleOptions): void {
    const runs = this.#runsOf(attempt);
    const { end } = options;
    if (end.state === 'completed') {
      const answer = runs.find((run) => run.status === 'answered');
      if (this.#wasForgotten(attempt)) return;
      if (answer === undefined || end.output !== `answer of ${answer.runId}`) {
        this.#world.violated(`${task.taskId} is completed without an answer that exists`);
      }
      return;
    }
    if (task.cancelRequested === null) {
      this.#world.violated(`${task.taskId} is ${end.state} and nobody asked for it`);
    }
    this.#nothingExecutes(attempt, `settled ${end.state}`);
  }

  closing(attempt: SimAttempt, outcome: AttemptOutcome, failure: RunFailure | null): void {
    const runs = this.#runsOf(attempt);
    this.#nothingExecutes(attempt, `closed ${outcome}`);
    if (runs.some((run) => run.status === 'answered') && !this.#wasForgotten(attempt)) {
      this.#world.violated(`${attempt.attemptId} is closed ${outcome}, its answer is lost`);
    }
    const failed = runs.some((run) => run.status === 'failed' || run.status === 'aborted');
    if (!failed && !runs.some((run) => run.status === 'input-interrupted')) {
      this.#world.violated(
        `${attempt.attemptId} is closed ${outcome} (${failure?.message}) for no reason`,
      );
    }
  }

  releasing(attempt: SimAttempt): void {
    const trace = this.#runsOf(attempt)[0];
    if (trace !== undefined && !this.#wasForgotten(attempt)) {
      this.#world.violated(
        `${attempt.attemptId} is released, but ${trace.runId} is ${trace.status}`,
      );
    }
  }

  indeterminate(attempt: SimAttempt, reason: IndeterminateReason, keepLane: boolean): void {
    this.#world.note(`${attempt.attemptId} is indeterminate: ${reason}`);
    if (!keepLane) this.#nothingExecutes(attempt, `given to a person without its lane`);
    if (!this.#isJustified(attempt, reason)) {
      this.#world.violated(
        `${attempt.attemptId} is given to a person as ${reason}, and it could be known`,
      );
    }
  }

  laneFreed(attempt: SimAttempt): void {
    this.#nothingExecutes(attempt, 'without its lane');
  }

  cancelRequested(task: SimTask): void {
    this.#world.note(`${task.taskId} is to end: ${task.cancelRequested}`);
  }

  /** P-wide: at the end nothing hangs, and no lane is held for nothing. */
  atRest(): void {
    for (const task of this.rows.tasks.values()) {
      const last = task.attempts.at(-1);
      const settled = task.end !== null || last?.state === 'indeterminate';
      if (!settled && !this.rows.waitsInSession(task)) {
        this.#world.violated(`${task.taskId} never ends: ${task.state}, attempt ${last?.state}`);
      }
      for (const attempt of task.attempts) {
        const executes = this.#runsOf(attempt).some((run) => run.status === 'executing');
        if (attempt.holdsLane && !executes) {
          this.#world.violated(`${attempt.attemptId} (${attempt.state}) holds a lane for nothing`);
        }
      }
    }
  }

  #isJustified(attempt: SimAttempt, reason: IndeterminateReason): boolean {
    const { gateway } = this;
    const runs = this.#runsOf(attempt);
    const executes = runs.some((run) => run.status === 'executing');
    const sentAtMs = attempt.committedAtMs ?? 0;
    switch (reason) {
      case 'state-replaced':
        return gateway.stateId !== attempt.stateId;
      case 'vanished':
        return (gateway.lostSessionsAtMs ?? -1) >= sentAtMs;
      case 'no-recovery': {
        const last = runs.filter((run) => run.began).at(-1);
        const grace = gateway.noRecoveryForMs() >= this.#policy.recoveryGraceMs;
        return last?.status === 'turn-interrupted' && (grace || this.#isOverdue(attempt));
      }
      case 'session-busy':
        return gateway.runs.some(
          (run) => run.origin === 'foreign' || this.#attemptOf(run) !== attempt,
        );
      case 'gateway-gone':
        return this.#blindFor(this.#policy.gatewayGoneMs) || this.rows.gateway.state !== 'open';
      case 'abort-unconfirmed':
        return (
          executes ||
          this.#blindFor(this.#policy.abortBoundMs) ||
          this.#mayResumeFor(this.#policy.abortBoundMs)
        );
      case 'unexpected':
        return this.thrown >= 5;
      case 'workflow-closed':
        return false;
    }
  }

  /** Whether this boot has resumed one turn after the other for this long. */
  #mayResumeFor(ms: number): boolean {
    const { gateway } = this;
    const readyForMs = this.#world.timeMs - gateway.readyAtMs;
    return readyForMs >= ms && gateway.noRecoveryForMs() < this.#policy.recoveryGraceMs;
  }

  /** Whether nobody could see the truth for (nearly) this long up to now. */
  #blindFor(ms: number): boolean {
    const { timeMs } = this.#world;
    const fromMs = timeMs - ms * 0.9;
    const spans = [...this.#blindness];
    if (this.gateway.unseenSinceMs !== null) {
      spans.push({ fromMs: this.gateway.unseenSinceMs, untilMs: timeMs });
    }
    let coveredMs = 0;
    for (const span of spans) {
      const overlap = Math.min(span.untilMs, timeMs) - Math.max(span.fromMs, fromMs);
      coveredMs += Math.max(overlap, 0);
    }
    return coveredMs >= ms * 0.5;
  }

  #nothingExecutes(attempt: SimAttempt, claim: string): void {
    const run = this.#runsOf(attempt).find(
      ({ status }) => status === 'executing' || status === 'queued',
    );
    if (run !== undefined && this.gateway.up) {
      this.#world.violated(`${attempt.attemptId} is ${claim}, but ${run.runId} is ${run.status}`);
    }
  }

  #runsOf(attempt: SimAttempt): TrueRun[] {
    return this.gateway.ever.filter((run) => this.#attemptOf(run) === attempt);
  }

  #taskOf(run: TrueRun): SimTask | null {
    return this.#attemptOf(run)?.task ?? null;
  }

  #attemptOf(run: TrueRun): SimAttempt | null {
    return run.origin === 'foreign' ? null : this.#attemptOfRunId(run.resumes ?? run.runId);
  }

  #attemptOfRunId(runId: string): SimAttempt | null {
    const match = /^(.*)-a(\d+)(r\d+)?$/.exec(runId);
    const task = this.rows.tasks.get(match?.[1] ?? '');
    return task?.attempts.find(({ number }) => number === Number(match?.[2])) ?? null;
  }
}
