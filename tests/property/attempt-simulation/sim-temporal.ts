import type { RunTaskResult } from '../../../src/domain/run-result.ts';
import { decideRetry } from '../../../src/domain/retry.ts';
import { isTerminal } from '../../../src/domain/task.ts';
import { takesWork } from '../../../src/domain/gateway.ts';
import { HOLD_TIMEOUT_MS, type HostRules, type SimHost } from './sim-host.ts';
import type { SimAttempt, SimRows, SimTask } from './sim-rows.ts';
import type { World } from './world.ts';

const TICK_MS = 1_000;
const RUN_TIMEOUT_MS = 30_000;
const REVIEW_EVERY_MS = 20_000;

interface Activity {
  readonly host: SimHost;
  readonly lost: AbortController;
  lastBeatMs: number;
}

interface Process {
  readonly task: SimTask;
  activity: Activity | null;
  /** Where the workflow stands. */
  step: 'waits' | 'runs' | 'backs-off' | 'deciding' | 'ended';
  reviewing: boolean;
}

/**
 * Temporal, the claim, and `taskWorkflow`, as far as an attempt meets them: one hold at a time with time-outs and
 * epochs, activities that are started again when nobody hears of them, retries after failures, reviews of what waits
 * for a person.
 */
export class SimTemporal {
  /** The server answers nobody. */
  away = false;
  readonly processes: Process[] = [];
  readonly #world: World;
  readonly #rows: SimRows;
  readonly #hosts: () => SimHost[];
  readonly #rules: HostRules;
  #hold: { host: SimHost; token: number; lastBeatMs: number } | null = null;
  #tokens = 0;
  #epochs = 0;
  #sinceReviewMs = 0;

  constructor(world: World, rows: SimRows, hosts: () => SimHost[], rules: HostRules) {
    this.#world = world;
    this.#rows = rows;
    this.#hosts = hosts;
    this.#rules = rules;
    this.#tick();
  }

  submit(task: SimTask): void {
    this.#rows.tasks.set(task.taskId, task);
    this.processes.push({ task, activity: null, step: 'waits', reviewing: false });
  }

  holder(): SimHost | null {
    return this.#hold?.host ?? null;
  }

  heartbeat(host: SimHost, token: number): Promise<'acknowledged' | 'gone'> {
    return new Promise((resolve, reject) => {
      this.#world.at(this.#world.between(1, 10), () => {
        const later = (act: () => void): void => this.#world.at(2, act, host.process);
        if (this.away) return later(() => reject(new Error('no answer')));
        if (this.#hold?.token !== token) return later(() => resolve('gone'));
        this.#hold.lastBeatMs = this.#world.timeMs;
        later(() => resolve('acknowledged'));
      });
    });
  }

  handedOver(host: SimHost): void {
    if (this.#hold?.host === host) this.#hold = null;
  }

  /** Temporal starts the activity once more beside the one that runs (it does, after an absence). */
  startTwice(): void {
    for (const process of this.processes) {
      if (process.step === 'runs') this.#start(process, process.task.attempts.at(-1)!);
    }
  }

  #tick(): void {
    this.#world.at(TICK_MS, () => {
      if (!this.away) {
        this.#assign();
        this.#claim();
        for (const process of this.processes) this.#watch(process);
        this.#sinceReviewMs += TICK_MS;
        if (this.#sinceReviewMs >= REVIEW_EVERY_MS) this.#review();
      }
      this.#tick();
    });
  }

  #assign(): void {
    const { timeMs } = this.#world;
    if (this.#hold !== null && timeMs - this.#hold.lastBeatMs <= HOLD_TIMEOUT_MS) return;
    const candidates = this.#hosts().filter(({ process }) => process.alive && !process.frozen);
    const host = candidates[Math.floor(this.#world.random() * candidates.length)];
    if (host === undefined) return;
    this.#tokens += 1;
    this.#epochs += 1;
    const [token, ownerEpoch] = [this.#tokens, this.#epochs];
    this.#hold = { host, token, lastBeatMs: timeMs };
    this.#world.note(`${host.name} is to hold the gateway, epoch ${ownerEpoch}`);
    this.#world.at(
      this.#world.between(5, 500),
      () => {
        this.#rows.takeOwnership(ownerEpoch);
        host.hold(ownerEpoch, token, this.#rules);
      },
      host.process,
    );
  }

  #claim(): void {
    const { gateway } = this.#rows;
    if (gateway.ownerEpoch === 0 || !takesWork(gateway.state)) return;
    for (const process of this.processes) {
      if (process.task.state !== 'queued' || process.step !== 'waits') continue;
      if (this.#rows.waitsInSession(process.task)) continue;
      const attempt = this.#rows.insertAttempt(process.task);
      process.step = 'runs';
      this.#start(process, attempt);
    }
  }

  #start(process: Process, attempt: SimAttempt): void {
    const host = this.holder();
    if (host === null) return;
    const lost = new AbortController();
    const activity: Activity = { host, lost, lastBeatMs: this.#world.timeMs };
    process.activity = activity;
    const { taskId } = process.task;
    const { attemptId } = attempt;
    const waiting = { heartbeat: () => this.#beat(process, activity), lost: lost.signal };
    this.#world.at(
      this.#world.between(2, 30),
      () => {
        host.activity = waiting;
        const done = (act: () => void): void =>
          this.#world.at(this.#world.between(2, 20), () => {
            if (process.activity !== activity || this.away) return;
            process.activity = null;
            act();
          });
        host.runTask.runTask({ taskId, attemptId }).then(
          (result) => done(() => this.#ended(process, attempt, result)),
          (error: unknown) => done(() => this.#retry(process, attempt, error)),
        );
      },
      host.process,
    );
  }

  #beat(process: Process, activity: Activity): void {
    this.#world.at(5, () => {
      if (this.away) return;
      if (process.activity === activity) activity.lastBeatMs = this.#world.timeMs;
      else this.#world.at(5, () => activity.lost.abort(), activity.host.process);
    });
  }

  #retry(process: Process, attempt: SimAttempt, error: unknown): void {
    const type = (error as { type?: string }).type ?? 'none';
    if (type !== 'Detached') this.#world.violated(`runTask failed as ${type}: ${String(error)}`);
    this.#world.at(this.#world.between(100, 1_000), () => {
      if (process.step === 'runs' && process.activity === null) this.#start(process, attempt);
    });
  }

  #watch(process: Process): void {
    if (process.step === 'waits' && isTerminal(process.task.state)) process.step = 'ended';
    if (process.step !== 'runs') return;
    const { activity } = process;
    if (activity !== null && this.#world.timeMs - activity.lastBeatMs <= RUN_TIMEOUT_MS) return;
    this.#start(process, process.task.attempts.at(-1)!);
  }

  #ended(process: Process, attempt: SimAttempt, result: RunTaskResult): void {
    this.#world.note(`runTask of ${attempt.attemptId}: ${JSON.stringify(result)}`);
    const { task } = process;
    switch (result.kind) {
      case 'settled':
        process.step = 'ended';
        if (task.state !== result.state) {
          this.#world.violated(`runTask says ${result.state}, the row says ${task.state}`);
        }
        return;
      case 'superseded':
        process.step = isTerminal(task.state) ? 'ended' : 'waits';
        return;
      case 'indeterminate':
        process.step = 'deciding';
        task.state = 'deciding';
        return;
      case 'failed':
        return this.#afterFailure(process, result);
    }
  }

  #afterFailure(process: Process, result: Extract<RunTaskResult, { kind: 'failed' }>): void {
    const { task } = process;
    const verdict = decideRetry({ ...result, random01: this.#world.random() });
    if (verdict.kind === 'dead' || task.cancelRequested !== null) {
      this.#rows.bury(task, task.cancelRequested === null ? 'dead' : 'cancelled');
      process.step = 'ended';
      return;
    }
    process.step = 'backs-off';
    task.state = 'backoff';
    this.#world.at(verdict.delayMs, () => {
      if (isTerminal(task.state)) {
        process.step = 'ended';
        return;
      }
      process.step = 'waits';
      task.state = 'queued';
    });
  }

  /** What the hold does each minute for attempts that wait for a person. */
  #review(): void {
    this.#sinceReviewMs = 0;
    const host = this.holder();
    if (host === null) return;
    for (const process of this.processes) {
      if (process.step !== 'deciding' || process.reviewing) continue;
      process.reviewing = true;
      const attempt = process.task.attempts.at(-1)!;
      const over = (): void => {
        process.reviewing = false;
      };
      this.#world.at(REVIEW_EVERY_MS, over);
      this.#world.at(
        5,
        () => {
          void host.runTask.reviewAttempt({ attemptId: attempt.attemptId }).then((review) => {
            if (review.kind !== 'appeared' || process.step !== 'deciding') return;
            this.#world.note(`${attempt.attemptId} appeared after all`);
            process.step = 'runs';
            this.#start(process, attempt);
          }, over);
        },
        host.process,
      );
    }
  }
}
