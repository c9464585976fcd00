import { createHoldLease, type HoldLease } from '../../../activities/hold-gateway/lease.ts';
import { bindRunRows } from '../../../activities/run-task/bind-rows.ts';
import type { RunRows } from '../../../activities/run-task/ports.ts';
import { createRunTask, type RunTask } from '../../../activities/run-task/run-task.ts';
import { acceptTask, type NewTask } from '../../../src/db/accept.ts';
import { readAttempt, type AttemptRecord } from '../../../src/db/attempt-record.ts';
import { claimTasks } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import {
  allocateOwnerEpoch,
  readOwnerEpoch,
  takeOwnership,
} from '../../../src/db/gateway-ownership.ts';
import { registerGateway, writeGatewayState } from '../../../src/db/gateway-store.ts';
import { readInstallation } from '../../../src/db/installation-store.ts';
import {
  DEFAULT_ATTEMPT_POLICY,
  type AttemptPolicy,
} from '../../../src/domain/attempt-protocol-policy.ts';
import type { RunTaskResult } from '../../../src/domain/run-result.ts';
import type {
  FakeGateway,
  FakeGatewayOptions,
} from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { newId } from '../../../src/platform/ids.ts';
import { noRacePoints, type RacePoints } from '../../../src/platform/race-points.ts';
import { FakeFleet } from '../../support/fake-gateway.ts';
import { granted, silentLog } from '../../support/gateway-client.ts';

/** The bounds of production, shortened; their order is kept. */
export const QUICK: AttemptPolicy = {
  ...DEFAULT_ATTEMPT_POLICY,
  recoveryGraceMs: 1_500,
  settleMs: 300,
  unsentWaitMs: 600,
  arrivalMs: 300,
  pollMs: 40,
  abortPollMs: 20,
};

export interface BenchHost {
  readonly runTask: RunTask;
  readonly ownerEpoch: number;
  /** The host gets the gateway again, under a new epoch, with the same connection. */
  regain(): Promise<void>;
  readonly lease: HoldLease;
  /** What the heartbeats of the activities said that their runs wait for. */
  readonly heartbeats: readonly (string | null)[];
  /** Calls the activity; `lost` stands for Temporal losing interest. */
  run(attempt: ClaimedAttempt, lost?: AbortSignal): Promise<RunTaskResult>;
}

export interface ClaimedAttempt {
  readonly taskId: string;
  readonly attemptId: string;
}

export interface HostSettings {
  readonly race?: RacePoints;
  readonly policy?: Partial<AttemptPolicy>;
  /** Stands before the lease's own proof of ownership. */
  readonly beforePermit?: () => Promise<void>;
  readonly rows?: (rows: RunRows) => RunRows;
  readonly cancelPollMs?: number;
  /** False: the renewals of the hold are refused, so each frame needs PostgreSQL's word. */
  readonly renewed?: boolean;
}

/** A fake gateway, its row, and hosts that run attempts on it: `runTask` without Temporal. */
export class RunTaskBench {
  readonly db: Database;
  readonly gatewayId: string;
  readonly fake: FakeGateway;
  readonly #fleet: FakeFleet;
  readonly #installation: string;
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(
    db: Database,
    fleet: FakeFleet,
    fake: FakeGateway,
    gatewayId: string,
    installation: string,
  ) {
    this.db = db;
    this.#fleet = fleet;
    this.fake = fake;
    this.gatewayId = gatewayId;
    this.#installation = installation;
  }

  static async start(db: Database, options: FakeGatewayOptions = {}): Promise<RunTaskBench> {
    const fleet = new FakeFleet();
    const fake = await fleet.gateway(options);
    const gatewayId = newId('host').replace('host-', 'gw-');
    await registerGateway(db, {
      id: gatewayId,
      kind: 'adopted',
      endpoint: fake.endpoint,
      configuredLanes: 100,
      actor: 'test',
    });
    const { id } = await readInstallation(db);
    return new RunTaskBench(db, fleet, fake, gatewayId, id);
  }

  /** A host takes the gateway over: a new epoch, a connection of its own. */
  async host(name: string, settings: HostSettings = {}): Promise<BenchHost> {
    const { db, gatewayId } = this;
    let ownerEpoch = await this.#own(name);
    const open = { state: 'open', reason: null, hint: null, failure: null } as const;
    await writeGatewayState(db, { gatewayId, ownerEpoch, ...open });
    const connection = await this.#fleet.connected(this.fake, {
      installation: this.#installation,
      callTimeoutMs: 400,
    });
    await connection.ensureStateSentinel({ permit: granted });
    const lease = this.#lease(settings.renewed ?? true);
    lease.attach({ taskToken: new Uint8Array(), ownerEpoch, onGone: () => undefined });
    const { beforePermit } = settings;
    const permit = (): void | Promise<void> =>
      beforePermit === undefined ? lease.permit() : beforePermit().then(() => lease.permit());
    const held = { connection, ownerEpoch: () => ownerEpoch, permit };
    const rows = bindRunRows(db);
    const lives = { lost: new AbortController().signal };
    const activity = { current: lives.lost };
    const heartbeats: (string | null)[] = [];
    const runTask = createRunTask({
      rows: settings.rows?.(rows) ?? rows,
      gateways: { find: (id) => (id === gatewayId ? held : null) },
      installation: this.#installation,
      policy: { ...QUICK, ...settings.policy },
      maxUnexpected: 5,
      clock: systemClock(),
      log: silentLog,
      race: settings.race ?? noRacePoints(),
      observer: {
        started: () => undefined,
        laneFreed: () => undefined,
        swarmNews: () => undefined,
      },
      activity: () => ({
        heartbeat: (waitsFor) => void heartbeats.push(waitsFor),
        lost: activity.current,
      }),
      heartbeatMs: 100,
      cancelPollMs: settings.cancelPollMs ?? 50,
      abortActivityMs: 2_000,
    });
    this.#closing.push(
      () => runTask.close(),
      async () => lease.close(),
    );
    return {
      runTask,
      ownerEpoch,
      regain: async () => {
        ownerEpoch = await this.#own(name);
        lease.attach({ taskToken: new Uint8Array(), ownerEpoch, onGone: () => undefined });
      },
      lease,
      heartbeats,
      run(attempt, lost = lives.lost) {
        activity.current = lost;
        return runTask.runTask(attempt);
      },
    };
  }

  async #own(hostId: string): Promise<number> {
    const { db, gatewayId } = this;
    const allocated = await allocateOwnerEpoch(db, { gatewayId });
    if (allocated.kind !== 'allocated') throw new Error(allocated.kind);
    const { ownerEpoch } = allocated;
    await takeOwnership(db, { gatewayId, hostId, ownerEpoch });
    return ownerEpoch;
  }

  #lease(renewed: boolean): HoldLease {
    const { db, gatewayId } = this;
    return createHoldLease({
      clock: systemClock(),
      renewEveryMs: 100,
      timeoutMs: 2_000,
      heartbeat: () =>
        renewed ? Promise.resolve('acknowledged') : Promise.reject(new Error('no answer')),
      readOwnerEpoch: async () => (await readOwnerEpoch(db, gatewayId))?.ownerEpoch ?? 0,
    });
  }

  /** Accepts a task and claims it for this gateway's owner. */
  async claim(
    host: BenchHost,
    prompt: string,
    task: Partial<NewTask> = {},
  ): Promise<ClaimedAttempt> {
    const { db, gatewayId } = this;
    const accepted = await acceptTask(db, {
      id: newId('task'),
      tenant: 'default',
      pool: 'default',
      sessionKey: null,
      agent: 'main',
      prompt,
      priority: 3,
      notBefore: null,
      queueLimitSeconds: null,
      deadlineAt: null,
      runLimitSeconds: 60,
      maxAttempts: 3,
      idempotent: false,
      correlationId: 'bench',
      idempotency: null,
      actor: 'test',
      ...task,
    });
    if (accepted.kind !== 'accepted') throw new Error(`not accepted: ${accepted.kind}`);
    const owner = await readOwnerEpoch(db, gatewayId);
    const { ownerEpoch } = host;
    const { claims } = await claimTasks(db, {
      hostId: owner?.ownerHost ?? '',
      gateways: [{ gatewayId, ownerEpoch, lanes: 100, score: 1, reasons: [] }],
      max: 100,
    });
    const claim = claims.find(({ taskId }) => taskId === accepted.task.id);
    if (claim === undefined) throw new Error('the task was not claimed');
    return { taskId: claim.taskId, attemptId: claim.attemptId };
  }

  async row({ attemptId }: ClaimedAttempt): Promise<AttemptRecord> {
    const row = await readAttempt(this.db, attemptId);
    if (row === null) throw new Error(`no attempt ${attemptId}`);
    return row;
  }

  /** Requests to run that reached the gateway, by their run id. */
  framesOf({ taskId }: ClaimedAttempt): string[] {
    return this.fake.log
      .requests('agent')
      .map((frame) => String((frame['params'] as Record<string, unknown>)['idempotencyKey']))
      .filter((runId) => runId.startsWith(`${taskId}-`));
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()));
    await this.#fleet.close();
  }
}
