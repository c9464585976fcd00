import { Worker } from '@temporalio/worker';
import { createGatewayOperations } from '../activities/hold-gateway/gateway-operations.ts';
import { createHolds } from '../activities/hold-gateway/hold-gateway.ts';
import type { HoldTimings, ManagedProcesses } from '../activities/hold-gateway/ports.ts';
import { bindRunRows } from '../activities/run-task/bind-rows.ts';
import { createRunTask, type RunTask } from '../activities/run-task/run-task.ts';
import { temporalActivity } from '../activities/run-task/temporal-activity.ts';
import type { OfferedGateway } from '../src/db/claim.ts';
import type { Database } from '../src/db/database.ts';
import { readSealedToken } from '../src/db/gateway-store.ts';
import { readInstallation } from '../src/db/installation-store.ts';
import type { AttemptPolicy } from '../src/domain/attempt-protocol-policy.ts';
import { DEFAULT_ATTEMPT_POLICY } from '../src/domain/attempt-protocol-policy.ts';
import { HOSTS_QUEUE, hostQueue } from '../src/domain/names.ts';
import { connectGateway } from '../src/gateway/openclaw-connection.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Logger } from '../src/platform/logger.ts';
import { noRacePoints, type RacePoints } from '../src/platform/race-points.ts';
import { openSecret } from '../src/platform/secret-box.ts';
import { route } from '../src/router/route.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';
import type { TemporalConnection } from '../src/temporal/connect.ts';
import { heartbeatActivity } from '../src/temporal/heartbeat.ts';
import { createWorkflowMessages } from '../src/temporal/messages.ts';
import { startClaimer, type Claimer } from './claimer.ts';
import { createDelivery } from './delivery.ts';
import { openGatewayQueues } from './gateway-queues.ts';

export interface GatewayHostOptions {
  readonly db: Database;
  readonly temporal: TemporalConnection;
  /** Belongs to the data directory, not to the process (P32). */
  readonly hostId: string;
  /** Most gateways that this host holds at a time. */
  readonly maxGateways: number;
  /** 32 bytes, base64: opens gateway tokens. */
  readonly secretKey: string;
  /** null: this host runs no managed gateways. */
  readonly managed: ManagedProcesses | null;
  readonly hold: { readonly heartbeatMs: number; readonly timeoutMs: number };
  readonly run: { readonly heartbeatMs: number; readonly timeoutMs: number };
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly policy?: AttemptPolicy;
  readonly race?: RacePoints;
}

export interface GatewayHost {
  readonly hostId: string;
  /** Claims now instead of within a second. */
  poke(): void;
  /** Hands everything over (P34): no run is touched, the next owner has each adopted gateway within seconds. */
  close(): Promise<void>;
}

const SIGNAL_TIMEOUT_MS = 5_000;
const CANCEL_POLL_MS = 5_000;
const ABORT_ACTIVITY_MS = 20_000;
const OBSERVE_EVERY_MS = 5_000;
const REVIEW_EVERY_MS = 60_000;
/** How often attempts that a crash left `planned` are looked for; ordinary ones are delivered at their claim. */
const SWEEP_EVERY_MS = 10_000;
const MAX_UNEXPECTED = 5;

/**
 * Starts a gateway host: holds gateways, fills their lanes, carries their runs. Throws when PostgreSQL or Temporal
 * cannot be reached at the start; afterwards it outlives the absence of either.
 */
export async function startGatewayHost(options: GatewayHostOptions): Promise<GatewayHost> {
  const { db, temporal, hostId, clock, log } = options;
  const { id: installation } = await readInstallation(db);
  const parts: { claimer?: Claimer } = {};
  const poke = (): void => parts.claimer?.poke();

  const delivery = createDelivery({
    db,
    client: temporal.client,
    clock,
    log,
    runHeartbeatTimeoutMs: options.run.timeoutMs,
    onReleased: poke,
  });
  const runTask = createRuns(options, installation, (id) => holds.held(id), poke);
  const holds = createHolds({
    hostId,
    db,
    clock,
    log,
    timings: holdTimings(options),
    managed: options.managed,
    connect: ({ id, endpoint }, token) =>
      connectGateway({
        endpoint,
        token,
        installation,
        displayName: `dash ${hostId}`,
        clock,
        log: log.child({ gatewayId: id }),
      }),
    readToken: (gatewayId) => readToken(db, options.secretKey, gatewayId),
    heartbeat: (token, deadlineMs) => heartbeatActivity(temporal.client, token, deadlineMs),
    openQueues: (gatewayId) =>
      openGatewayQueues(
        {
          native: temporal.native,
          namespace: temporal.namespace,
          identity: hostId,
          runActivities: { runTask: runTask.runTask },
          controlActivities: { ...operations, abortAttempt: runTask.abortAttempt },
        },
        gatewayId,
      ),
    reviewAttempt: runTask.reviewAttempt,
    redeliver: async (attempt) => delivery.deliver({ ...attempt, ...REAPPEARED }),
    onClaimable: () => {
      poke();
      void sweep();
    },
  });
  const operations = createGatewayOperations({ db, clock, holds });

  const sweep = async (): Promise<void> => {
    const held = holds.all().filter((hold) => hold.tender.isReady && hold.lease.isFresh());
    await delivery
      .redeliver(held.map((hold) => hold.gatewayId))
      .catch((error: unknown) => log.warn({ err: error }, 'planned attempts could not be read'));
  };

  const hostWorkers = await startHostWorkers(options, { holdGateway: holds.holdGateway });
  parts.claimer = startClaimer({
    db,
    hostId,
    clock,
    log,
    offers: () => offersOf(holds.all()),
    onClaim: (claim) => delivery.deliver(claim),
    observe: (seconds) => options.metrics.claimed(seconds),
  });
  const listeners = [
    db.listen('dash_work', poke),
    db.listen('dash_cancel', (id) => runTask.cancelNoticed(id)),
  ];
  const stopping = new AbortController();
  const sweeping = every(SWEEP_EVERY_MS, clock, stopping.signal, sweep);
  log.info({ hostId, maxGateways: options.maxGateways }, 'the gateway host is ready');

  return {
    hostId,
    poke,
    async close() {
      stopping.abort();
      await parts.claimer?.close();
      await Promise.all(listeners.map((listener) => listener.close()));
      await Promise.all([runTask.close(), holds.handOver()]);
      await hostWorkers.close();
      await delivery.close();
      await sweeping;
    },
  };
}

function holdTimings({ hold }: GatewayHostOptions): HoldTimings {
  return {
    holdTimeoutMs: hold.timeoutMs,
    renewEveryMs: hold.heartbeatMs,
    observeEveryMs: OBSERVE_EVERY_MS,
    reviewEveryMs: REVIEW_EVERY_MS,
  };
}

type Held = ReturnType<ReturnType<typeof createHolds>['held']>;

function createRuns(
  options: GatewayHostOptions,
  installation: string,
  find: (gatewayId: string) => Held,
  poke: () => void,
): RunTask {
  const { db, clock, log, metrics, run } = options;
  const messages = createWorkflowMessages({
    client: options.temporal.client,
    timeoutMs: SIGNAL_TIMEOUT_MS,
  });
  return createRunTask({
    rows: bindRunRows(db),
    gateways: { find },
    installation,
    policy: options.policy ?? DEFAULT_ATTEMPT_POLICY,
    maxUnexpected: MAX_UNEXPECTED,
    clock,
    log,
    race: options.race ?? noRacePoints(),
    observer: {
      started: ({ waitedMs }) => metrics.started(waitedMs / 1_000),
      laneFreed: poke,
      swarmNews: (swarmId) => {
        // A hint: the row is dirty, and reconcile repeats a signal that got lost.
        void messages.signalSwarmNews(swarmId).catch((error: unknown) => {
          log.warn({ swarmId, err: error }, 'a swarm was not told of its news');
        });
      },
    },
    activity: temporalActivity,
    heartbeatMs: run.heartbeatMs,
    cancelPollMs: CANCEL_POLL_MS,
    abortActivityMs: ABORT_ACTIVITY_MS,
  });
}

/** A delivery for an attempt whose workflow runs: it is signalled first. */
const REAPPEARED = { attemptNumber: 2, swarmId: null, runLimitSeconds: 3_600 } as const;

async function readToken(db: Database, secretKey: string, gatewayId: string): Promise<string> {
  const sealed = await readSealedToken(db, gatewayId);
  if (sealed === null) throw new Error(`gateway ${gatewayId} has no token: register it again`);
  return openSecret(secretKey, sealed);
}

/** What this host may fill now, scored by the router (P12). */
function offersOf(holds: ReturnType<ReturnType<typeof createHolds>['all']>): OfferedGateway[] {
  const rows = holds.flatMap((hold) => {
    const offer = hold.offered();
    const row = hold.tender.row;
    return offer === null || row === null ? [] : [{ offer, row }];
  });
  const routed = route(
    rows.map(({ row }) => ({
      gatewayId: row.id,
      lanes: row.lanes.configured,
      heldLanes: row.lanes.held,
      foreignRuns: row.lanes.foreign,
    })),
  );
  return rows.map(({ offer }, index) => {
    const { score = 0, reasons = [] } = routed[index] ?? {};
    return { ...offer, score, reasons };
  });
}

/** Takes holds: of any adopted gateway, and of those that belong to this host. */
async function startHostWorkers(
  { temporal, hostId, maxGateways }: GatewayHostOptions,
  activities: object,
): Promise<{ close(): Promise<void> }> {
  const workers = await Promise.all(
    [HOSTS_QUEUE, hostQueue(hostId)].map((taskQueue) =>
      Worker.create({
        connection: temporal.native,
        namespace: temporal.namespace,
        identity: hostId,
        taskQueue,
        activities,
        maxConcurrentActivityTaskExecutions: maxGateways,
        // One: every poll that a frozen host has open swallows a task until that times out.
        maxConcurrentActivityTaskPolls: 1,
        shutdownGraceTime: '20s',
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  return {
    async close() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(running);
    },
  };
}

async function every(
  ms: number,
  clock: Clock,
  stopped: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  while (!stopped.aborted) {
    await clock.sleep(ms, stopped);
    if (!stopped.aborted) await work();
  }
}
