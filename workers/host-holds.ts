import {
  createChainOperations,
  type ChainOperationActivities,
} from '../activities/dashboard-chain/chain-operations.ts';
import {
  createGatewayOperations,
  type GatewayOperationActivities,
} from '../activities/hold-gateway/gateway-operations.ts';
import { createHolds, type Holds } from '../activities/hold-gateway/hold-gateway.ts';
import type { RunTask } from '../activities/run-task/run-task.ts';
import type { Database } from '../src/db/database.ts';
import { readSealedToken } from '../src/db/gateway-store.ts';
import { createConnectPace } from '../src/gateway/connect-pace.ts';
import { connectGateway } from '../src/gateway/openclaw-connection.ts';
import { openSecret } from '../src/platform/secret-box.ts';
import { heartbeatActivity } from '../src/temporal/heartbeat.ts';
import type { Delivery } from './delivery.ts';
import { openGatewayQueues } from './gateway-queues.ts';
import type { GatewayHostOptions } from './gateway-host-options.ts';

const OBSERVE = { observeEveryMs: 5_000, answerBoundMs: 3_000, startGraceMs: 10_000 };
const REVIEW_EVERY_MS = 60_000;
/** Of one probe of a dashboard chain: longer than a loaded gateway needs for a page. */
const PROBE_TIMEOUT_MS = 5_000;

/** An attempt whose run showed up after all: its workflow runs, and is signalled. */
const REAPPEARED = { attemptNumber: 2, swarmId: null, runLimitSeconds: 3_600 } as const;

export interface HostParts {
  readonly installation: string;
  readonly runs: RunTask;
  readonly delivery: Delivery;
  readonly claim: () => void;
}

/** The gateways in the hands of a host, with everything that a hold needs of it. */
export function createHostHolds(options: GatewayHostOptions, parts: HostParts): Holds {
  const { db, temporal, hostId, clock, log, hold, managed, secretKey } = options;
  const { runs, delivery, claim, installation } = parts;
  const pace = createConnectPace({ clock });
  const holds: Holds = createHolds({
    hostId,
    maxGateways: options.maxGateways,
    db,
    clock,
    log,
    managed,
    timings: {
      holdTimeoutMs: hold.timeoutMs,
      renewEveryMs: hold.heartbeatMs,
      ...(options.observe ?? OBSERVE),
      reviewEveryMs: REVIEW_EVERY_MS,
    },
    connect({ id, endpoint }, token) {
      const displayName = `dash ${hostId}`;
      const ofGateway = log.child({ gatewayId: id });
      return connectGateway({
        ...{ endpoint, token, installation, displayName, clock, pace },
        log: ofGateway,
      });
    },
    readToken: (gatewayId) => readToken(db, secretKey, gatewayId),
    heartbeat: (token, deadlineMs) => heartbeatActivity(temporal.client, token, deadlineMs),
    openQueues: (gatewayId) => openQueues(options, runs, operations, gatewayId),
    reviewAttempt: runs.reviewAttempt,
    redeliver: async (attempt) => delivery.deliver({ ...attempt, ...REAPPEARED }),
    onClaimable: claim,
    onReady(gatewayId) {
      void delivery.redeliver([gatewayId], 'all').catch((error: unknown) => {
        log.warn({ gatewayId, err: error }, 'planned attempts could not be read; the sweep will');
      });
    },
  });
  const operations = {
    ...createGatewayOperations({ db, clock, holds }),
    ...createChainOperations({ db, clock, holds, probeTimeoutMs: PROBE_TIMEOUT_MS }),
  };
  return holds;
}

function openQueues(
  { temporal, hostId, onFatal }: GatewayHostOptions,
  runs: RunTask,
  operations: GatewayOperationActivities & ChainOperationActivities,
  gatewayId: string,
): ReturnType<typeof openGatewayQueues> {
  return openGatewayQueues(
    {
      native: temporal.native,
      namespace: temporal.namespace,
      identity: hostId,
      runActivities: { runTask: runs.runTask },
      controlActivities: { ...operations, abortAttempt: runs.abortAttempt },
      onFatal,
    },
    gatewayId,
  );
}

async function readToken(db: Database, secretKey: string, gatewayId: string): Promise<string> {
  const sealed = await readSealedToken(db, gatewayId);
  if (sealed === null) throw new Error(`gateway ${gatewayId} has no token: register it again`);
  return openSecret(secretKey, sealed);
}
