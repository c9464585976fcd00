import type { RunConnection } from '../../../activities/run-task/ports.ts';
import {
  DEFAULT_ATTEMPT_POLICY,
  type AttemptPolicy,
} from '../../../src/domain/attempt-protocol-policy.ts';
import type { RaceDetail, RacePoints } from '../../../src/platform/race-points.ts';
import { gatewaySessionKey } from '../../../src/domain/names.ts';
import { Checks } from './checks.ts';
import type { Fault, Scenario } from './scenario.ts';
import { SimConnection } from './sim-connection.ts';
import { SimGateway } from './sim-gateway.ts';
import { SimHost, type HostRules } from './sim-host.ts';
import { SimRows, type RowRules } from './sim-rows.ts';
import { SimTemporal } from './sim-temporal.ts';
import { World } from './world.ts';

/** The rules as they are; a test takes one away to see that the checks notice. */
export interface Rules extends RowRules, HostRules {}

export const ALL_RULES: Rules = {
  epochs: true,
  cancelBeforeSending: true,
  permits: true,
  distort: (connection: RunConnection) => connection,
};

/** The real bounds, shortened so that a simulated hour is not needed to reach them. */
export const SIM_POLICY: AttemptPolicy = {
  ...DEFAULT_ATTEMPT_POLICY,
  recoveryGraceMs: 30_000,
  sessionBusyMs: 40_000,
  gatewayGoneMs: 80_000,
  abortBoundMs: 20_000,
  inattentionMs: 15_000,
};

export interface Outcome {
  readonly violations: readonly string[];
  readonly log: readonly string[];
  readonly events: number;
  readonly steps: number;
  readonly ends: readonly string[];
}

const HORIZON_MS = 3 * 60 * 60_000;
const REST_MS = 60_000;
/** By then the first attempts have been claimed. */
const WORK_BEGINS_MS = 1_900;

/** Runs one scenario to its rest and answers what was violated on the way. */
export async function simulate(scenario: Scenario, rules: Rules = ALL_RULES): Promise<Outcome> {
  return new Simulation(scenario, rules).run();
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #checks: Checks;
  readonly #gateway: SimGateway;
  readonly #rows: SimRows;
  readonly #temporal: SimTemporal;
  readonly #hosts: SimHost[] = [];
  #steps = 0;
  #pendingFaults = 0;
  #restSinceMs: number | null = null;

  constructor(scenario: Scenario, rules: Rules) {
    this.#scenario = scenario;
    this.#world = new World(scenario.seed);
    this.#checks = new Checks(this.#world, SIM_POLICY);
    this.#gateway = new SimGateway(this.#world, scenario, this.#checks);
    this.#rows = new SimRows(this.#world, rules, this.#checks);
    this.#checks.rows = this.#rows;
    this.#checks.gateway = this.#gateway;
    this.#hosts.push(this.#newHost('host-a'), this.#newHost('host-b'));
    this.#temporal = new SimTemporal(this.#world, this.#rows, () => this.#hosts, rules);
  }

  async run(): Promise<Outcome> {
    for (let n = 1; n <= this.#scenario.tasks; n += 1) {
      this.#temporal.submit({
        taskId: `task-${n}`,
        sessionKey: this.#scenario.session ? 'chat' : null,
        state: 'queued',
        end: null,
        cancelRequested: null,
        cancelRequestedAtMs: null,
        deadlineAtMs: this.#scenario.deadlineMs,
        runLimitSeconds: this.#scenario.runLimitSeconds,
        maxAttempts: 3,
        attempts: [],
      });
    }
    for (const fault of this.#scenario.faults) {
      if (fault.when.kind !== 'at') continue;
      this.#pendingFaults += 1;
      this.#world.at(WORK_BEGINS_MS + fault.when.ms, () => {
        this.#pendingFaults -= 1;
        void this.#inflict(fault, null);
      });
    }
    await this.#world.runUntil(() => this.#atRest(), HORIZON_MS);
    if (this.#world.violations.length === 0) this.#checks.atRest();
    return {
      violations: this.#world.violations,
      log: this.#world.log,
      events: this.#world.events,
      steps: this.#steps,
      ends: [...this.#rows.tasks.values()].map(
        (task) => task.end?.state ?? task.attempts.at(-1)?.indeterminateReason ?? task.state,
      ),
    };
  }

  /** Nothing is under way any more, and has not been for long enough that nothing can still be on its way. */
  #atRest(): boolean {
    const { timeMs } = this.#world;
    const moving =
      this.#pendingFaults > 0 ||
      this.#gateway.busy() ||
      !this.#gateway.up ||
      this.#hosts.some(({ process }) => !process.alive || process.frozen) ||
      this.#temporal.processes.some(
        ({ step, task }) =>
          step !== 'ended' &&
          step !== 'deciding' &&
          !(step === 'waits' && this.#rows.waitsInSession(task)),
      );
    this.#restSinceMs = moving ? null : (this.#restSinceMs ?? timeMs);
    return this.#restSinceMs !== null && timeMs - this.#restSinceMs >= REST_MS;
  }

  #newHost(name: string): SimHost {
    return new SimHost({
      world: this.#world,
      gateway: this.#gateway,
      rows: this.#rows,
      name,
      policy: SIM_POLICY,
      race: (host) => this.#racePoints(host),
      heartbeat: (host, token) => this.#temporal.heartbeat(host, token),
      onFrame: (host, runId) => this.#checks.frame(host, runId),
    });
  }

  /** Every step of every run passes here: the n-th one may be where something goes wrong. */
  #racePoints(host: SimHost): RacePoints {
    return {
      reach: (name: string, detail?: RaceDetail) => {
        const nth = this.#steps;
        this.#steps += 1;
        this.#world.note(`${host.name} ${name} ${detail?.attemptId ?? ''}`);
        const faults = this.#scenario.faults.filter(
          (fault) => fault.when.kind === 'step' && fault.when.nth === nth,
        );
        if (faults.length === 0) return undefined;
        return this.#inflictAll(faults, host);
      },
    };
  }

  async #inflictAll(faults: readonly Fault[], host: SimHost): Promise<void> {
    for (const fault of faults) await this.#inflict(fault, host);
    // A dead process takes no further step; a frozen one takes it when it wakes.
    if (!host.process.alive) await new Promise(() => undefined);
    if (host.process.frozen) {
      await new Promise<void>((resolve) => this.#world.at(0, resolve, host.process));
    }
  }

  async #inflict({ what }: Fault, at: SimHost | null): Promise<void> {
    const world = this.#world;
    const host = at ?? this.#temporal.holder() ?? this.#hosts[0]!;
    switch (what.kind) {
      case 'gateway-crash':
        return this.#gateway.crash(what.downMs, what.loss);
      case 'gateway-drain':
        return this.#gateway.drain(what.ms);
      case 'gateway-closed':
        world.note('gateway row is cordoned');
        this.#rows.gateway.state = 'cordoned';
        return world.at(what.ms, () => {
          this.#rows.gateway.state = 'open';
        });
      case 'aborts-ignored':
        world.note('aborts are ignored');
        this.#gateway.ignoresAborts = true;
        return world.at(what.ms, () => {
          this.#gateway.ignoresAborts = false;
        });
      case 'chat':
        return this.#gateway.chat(this.#sessionKey(), what.ms);
      case 'host-crash':
        return this.#crash(host, what.downMs);
      case 'host-freeze':
        if (!host.process.alive || host.process.frozen) return;
        world.note(`${host.name} freezes`);
        host.process.freeze();
        return world.at(what.ms, () => {
          world.note(`${host.name} wakes`);
          host.process.thaw();
        });
      case 'host-leaves':
        return this.#leave(host);
      case 'planned-released':
        return this.#rows.releasePlanned('task-1');
      case 'step-throws':
        if (at === null) return;
        this.#checks.thrown += 1;
        throw new Error('injected');
      case 'socket-drop':
        world.note(`${host.name} loses its socket`);
        return host.connection.drop();
      case 'answers-lost':
        world.note('answers of the gateway get lost');
        this.#checks.blind(world.timeMs + what.ms + 10_000);
        SimConnection.lossy.add(world);
        return world.at(what.ms, () => void SimConnection.lossy.delete(world));
      case 'rows-away':
        world.note('PostgreSQL is away');
        this.#rows.away = true;
        return world.at(what.ms, () => {
          this.#rows.away = false;
        });
      case 'temporal-away':
        world.note('Temporal is away');
        this.#temporal.away = true;
        return world.at(what.ms, () => {
          this.#temporal.away = false;
        });
      case 'started-twice':
        return this.#temporal.startTwice();
      case 'cancel':
        return this.#cancel(what);
    }
  }

  #cancel(what: Extract<Fault['what'], { kind: 'cancel' }>): void {
    const world = this.#world;
    const attempt = this.#rows.tasks.get('task-1')!.attempts.at(-1);
    if (attempt === undefined) return;
    this.#rows.requestCancel('task-1', 'cancelled');
    for (const host of this.#hosts) {
      if (what.noticed) world.at(5, () => host.runTask.cancelNoticed('task-1'), host.process);
    }
    const holder = this.#temporal.holder();
    if (!what.hastened || holder === null) return;
    const { attemptId } = attempt;
    world.at(
      20,
      () => void holder.runTask.abortAttempt({ attemptId }).catch(() => undefined),
      holder.process,
    );
  }

  #crash(host: SimHost, downMs: number): void {
    if (!host.process.alive) return;
    this.#world.note(`${host.name} crashes`);
    host.process.alive = false;
    this.#world.at(downMs + 500, () => {
      this.#world.note(`${host.name} is back`);
      this.#hosts[this.#hosts.indexOf(host)] = this.#newHost(host.name);
    });
  }

  #leave(host: SimHost): void {
    if (!host.process.alive || host.process.frozen) return;
    this.#world.note(`${host.name} hands over`);
    host.leave();
    this.#temporal.handedOver(host);
    this.#world.at(500, () => this.#crash(host, 0));
  }

  #sessionKey(): string {
    return gatewaySessionKey({
      agentId: 'main',
      installation: 'abcdefgh',
      taskId: 'task-1',
      session: this.#scenario.session ? { tenant: 'default', key: 'chat' } : null,
    });
  }
}
