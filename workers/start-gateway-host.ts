import type { Holds } from '../activities/hold-gateway/hold-gateway.ts';
import type { RunTask } from '../activities/run-task/run-task.ts';
import type { Database } from '../src/db/database.ts';
import { readInstallation } from '../src/db/installation-store.ts';
import { HOSTS_QUEUE, hostQueue, MANAGED_HOSTS_QUEUE } from '../src/domain/names.ts';
import { createWorkflowMessages } from '../src/temporal/messages.ts';
import { startClaimer, type Claimer } from './claimer.ts';
import { createDelivery, type Delivery } from './delivery.ts';
import type { GatewayHostOptions } from './gateway-host-options.ts';
import { createHoldSlots } from './hold-slots.ts';
import { createHostHolds } from './host-holds.ts';
import { createHostRuns } from './host-runs.ts';
import { offersOf } from './offers.ts';
import { runWorkers } from './run-workers.ts';
import { createSwarmNews } from './swarm-news.ts';

export interface GatewayHost {
  readonly hostId: string;
  /** Hands everything over (P34): no run is touched, the next owner has each adopted gateway within seconds. */
  close(): Promise<void>;
}

const SIGNAL_TIMEOUT_MS = 5_000;
/** How often attempts that a crash left undelivered are looked for; ordinary ones are delivered at their claim. */
const SWEEP_EVERY_MS = 10_000;

/**
 * Starts a gateway host: holds gateways, fills their lanes, carries their runs. Throws when PostgreSQL or Temporal
 * cannot be reached at the start; afterwards it outlives the absence of either.
 */
export async function startGatewayHost(options: GatewayHostOptions): Promise<GatewayHost> {
  const { db, hostId, clock, log } = options;
  const { client } = options.temporal;
  const { id: installation } = await readInstallation(db);
  // Runs, holds and claims know of each other: what frees a lane claims for it.
  const later: { claimer?: Claimer; holds?: Holds; runs?: RunTask } = {};
  const claim = (): void => later.claimer?.poke();
  const messages = createWorkflowMessages({ client, timeoutMs: SIGNAL_TIMEOUT_MS });
  const swarmNews = createSwarmNews(messages, log);
  const delivery = createDelivery({
    ...{ db, client, clock, log },
    runHeartbeatTimeoutMs: options.run.timeoutMs,
    onStarted: (attempt) => later.runs?.begin(attempt),
    onRoom: claim,
    swarmNews,
  });
  const find = (gatewayId: string): ReturnType<Holds['held']> =>
    later.holds?.held(gatewayId) ?? null;
  const runs = createHostRuns(options, { installation, find, onRoom: claim, swarmNews });
  later.runs = runs;
  const holds = createHostHolds(options, { installation, runs, delivery, claim });
  later.holds = holds;
  const hostWorkers = await startHostWorkers(options, { holdGateway: holds.holdGateway }).catch(
    async (error: unknown) => {
      await runs.close();
      throw error;
    },
  );
  const claimer = startClaimer({
    ...{ db, hostId, clock, log },
    offers: () => offersOf(holds.all(), options.regionWeights),
    isBehind: () => delivery.isBehind() || runs.areAhead(),
    onClaim: delivery.deliver,
    observe: (seconds) => options.metrics.claimed(seconds),
  });
  later.claimer = claimer;
  const hints = listenForHints(db, claim, runs);
  const sweeper = startSweeper(options, holds, delivery);
  log.info({ hostId, maxGateways: options.maxGateways }, 'the gateway host is ready');
  return {
    hostId,
    async close() {
      await Promise.all([sweeper.close(), claimer.close(), hints.close()]);
      // Stops asking for holds first: the next one must not come back here.
      const stopped = hostWorkers.close();
      await Promise.all([runs.close(), holds.handOver()]);
      await stopped;
      await delivery.close();
    },
  };
}

interface Closable {
  close(): Promise<void>;
}

/** Notifications of PostgreSQL only shorten waits that end by themselves. */
function listenForHints(db: Database, claim: () => void, runs: RunTask): Closable {
  const listeners = [
    db.listen('dash_work', claim),
    db.listen('dash_cancel', (id) => runs.cancelNoticed(id)),
  ];
  return {
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

/** Takes holds: of any adopted gateway, of those that belong to this host, and first ones of managed gateways. */
function startHostWorkers(
  { temporal, hostId, maxGateways, managed, onFatal }: GatewayHostOptions,
  activities: object,
): Promise<Closable> {
  const none = { type: 'fixed-size', numSlots: 1 } as const;
  const tuner = {
    activityTaskSlotSupplier: createHoldSlots(maxGateways),
    workflowTaskSlotSupplier: none,
    localActivityTaskSlotSupplier: none,
    nexusTaskSlotSupplier: none,
  };
  const queues = [
    HOSTS_QUEUE,
    hostQueue(hostId),
    ...(managed === null ? [] : [MANAGED_HOSTS_QUEUE]),
  ];
  const workers = queues.map((taskQueue) => ({
    connection: temporal.native,
    namespace: temporal.namespace,
    identity: hostId,
    taskQueue,
    activities,
    tuner,
    // One: every poll that a frozen host has open swallows a task until that times out.
    maxConcurrentActivityTaskPolls: 1,
    shutdownGraceTime: '20s' as const,
  }));
  return runWorkers({ workers, onFatal });
}

/** Delivers, now and then, what a crash between claim and delivery left behind (P17). */
function startSweeper(
  { clock, log }: GatewayHostOptions,
  holds: Holds,
  delivery: Delivery,
): Closable {
  const stopping = new AbortController();
  const sweep = async (): Promise<void> => {
    const held = holds.all().filter((hold) => hold.tender.isReady && hold.lease.isFresh());
    const ids = held.map((hold) => hold.gatewayId);
    await delivery.redeliver(ids, 'undelivered').catch((error: unknown) => {
      log.warn({ err: error }, 'planned attempts could not be read; trying again');
    });
  };
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(SWEEP_EVERY_MS, stopping.signal);
      if (!stopping.signal.aborted) await sweep();
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}
