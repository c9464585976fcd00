import { createHoldLease, type HoldLease } from '../../../activities/hold-gateway/lease.ts';
import type { HeldGateway, RunConnection, RunLog } from '../../../activities/run-task/ports.ts';
import { createRunTask, type RunTask } from '../../../activities/run-task/run-task.ts';
import type { WaitingActivity } from '../../../activities/run-task/ports.ts';
import type { AttemptPolicy } from '../../../src/domain/attempt-protocol-policy.ts';
import type { RacePoints } from '../../../src/platform/race-points.ts';
import { SimConnection } from './sim-connection.ts';
import type { SimGateway } from './sim-gateway.ts';
import type { SimRows } from './sim-rows.ts';
import { simClock, SimProcess, type World } from './world.ts';

export const RENEW_EVERY_MS = 3_000;
export const HOLD_TIMEOUT_MS = 10_000;
const MAX_UNEXPECTED = 5;

/** Ways to take a rule away, to see that the checks notice. */
export interface HostRules {
  /** False: a frame needs no proof of ownership (P24). */
  readonly permits: boolean;
  /** What a look is turned into before the protocol sees it. */
  readonly distort: (connection: RunConnection) => RunConnection;
}

export interface SimHostOptions {
  readonly world: World;
  readonly gateway: SimGateway;
  readonly rows: SimRows;
  readonly name: string;
  readonly policy: AttemptPolicy;
  readonly race: (host: SimHost) => RacePoints;
  readonly heartbeat: (host: SimHost, token: number) => Promise<'acknowledged' | 'gone'>;
  readonly onFrame: (host: SimHost, runId: string) => void;
}

const QUIET: RunLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** A gateway host: the real `runTask` and the real lease, on simulated ports. One incarnation; a restart is another. */
export class SimHost {
  readonly name: string;
  readonly process: SimProcess;
  readonly runTask: RunTask;
  readonly connection: SimConnection;
  /** The activity that the next call belongs to. */
  activity: WaitingActivity | null = null;
  readonly #lease: HoldLease;
  #held: HeldGateway | null = null;

  constructor(options: SimHostOptions) {
    const { world, gateway, rows } = options;
    this.name = options.name;
    const process = new SimProcess(world, options.name);
    const clock = simClock(world, process);
    this.process = process;
    this.connection = new SimConnection({
      world,
      gateway,
      process,
      onFrame: (runId) => options.onFrame(this, runId),
    });
    this.#lease = createHoldLease({
      clock,
      renewEveryMs: RENEW_EVERY_MS,
      timeoutMs: HOLD_TIMEOUT_MS,
      readOwnerEpoch: () => rows.readOwnerEpoch(process),
      heartbeat: (taskToken) => options.heartbeat(this, taskToken[0]! * 256 + taskToken[1]!),
    });
    this.runTask = createRunTask({
      rows: rows.boundTo(process),
      gateways: { find: () => this.#held },
      installation: 'abcdefgh',
      policy: options.policy,
      maxUnexpected: MAX_UNEXPECTED,
      clock,
      log: QUIET,
      race: options.race(this),
      observer: {
        started: () => undefined,
        laneFreed: () => undefined,
        swarmNews: () => undefined,
      },
      activity: () => this.activity!,
      heartbeatMs: 10_000,
      cancelPollMs: 10_000,
      abortActivityMs: 30_000,
    });
  }

  /** Hands over (P34): lets its runs go and the gateway with them. */
  leave(): void {
    this.#held = null;
    this.#lease.close();
    void this.runTask.close();
  }

  get ownerEpoch(): number {
    return this.#lease.ownerEpoch();
  }

  /** A hold begins here, or joins the one that still lives here (P32). */
  hold(ownerEpoch: number, token: number, rules: HostRules): void {
    const lease = this.#lease;
    this.#held ??= {
      ownerEpoch: () => lease.ownerEpoch(),
      connection: rules.distort(this.connection),
      permit: () => (rules.permits ? lease.permit() : undefined),
    };
    const taskToken = new Uint8Array([token >> 8, token & 255]);
    lease.attach({ taskToken, ownerEpoch, onGone: () => undefined });
  }
}
