import { Context } from '@temporalio/activity';
import type { GatewayControlActivities } from '../../activities/gateway-control/gateway-control.ts';
import type { GatewayOperationActivities } from '../../activities/hold-gateway/gateway-operations.ts';
import type { HoldGatewayActivities } from '../../activities/hold-gateway/hold-gateway.ts';
import type { GatewayMessage } from '../../src/domain/gateway.ts';
import type { HoldClaim, HoldEnd } from '../../src/domain/hold.ts';
import {
  CONTROL_QUEUE,
  gatewayControlQueue,
  gatewayWorkflowId,
  hostQueue,
  HOSTS_QUEUE,
  MANAGED_HOSTS_QUEUE,
} from '../../src/domain/names.ts';
import { createGate, type Gate, type Scenario } from './scenario.ts';

const HEARTBEAT_TIMEOUT_MS = 1_000;
const operator = { actor: 'operator', reason: 'played' };

/** What is played of a gateway: who holds it, one hold after the other, and what its operations do. */
interface Played {
  /** The claims that holds start from, in order; the last one stands. */
  readonly claims: readonly Partial<HoldClaim>[];
  readonly holds: Readonly<Record<string, HoldGatewayActivities['holdGateway']>>;
  readonly operations?: Partial<GatewayOperationActivities>;
  readonly control?: Partial<GatewayControlActivities>;
  readonly drive: NonNullable<Scenario['drive']>;
}

function scenario(path: string, played: Played): Scenario {
  let prepared = 0;
  const control: GatewayControlActivities = {
    prepareHold: async () => {
      const claim = played.claims[Math.min(prepared, played.claims.length - 1)];
      prepared += 1;
      return {
        ownerEpoch: prepared,
        takenEpoch: 0,
        kind: 'adopted',
        lastHost: null,
        heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
        ...claim,
      };
    },
    recordCommand: async () => ({ kind: 'recorded', state: 'open' }),
    markUnowned: async () => undefined,
    reportOverdueDrain: async () => undefined,
    reopenClaims: async () => undefined,
    ...played.control,
  };
  const operations: GatewayOperationActivities = {
    awaitIdle: async () => ({ running: 0 }),
    bringUp: async () => undefined,
    stopProcess: async () => undefined,
    restartProcess: async () => undefined,
    reportExecuting: async () => [],
    ...played.operations,
  };
  const hosts = Object.entries(played.holds).map(([taskQueue, holdGateway]) => [
    taskQueue,
    { holdGateway } satisfies HoldGatewayActivities,
  ]);
  return {
    name: `gateway-${path}`,
    workflow: 'gatewayWorkflow',
    workflowId: gatewayWorkflowId(path),
    args: [{ gatewayId: path }],
    workers: {
      [CONTROL_QUEUE]: control,
      [gatewayControlQueue(path)]: operations,
      ...(Object.fromEntries(hosts) as Record<string, HoldGatewayActivities>),
    },
    drive: played.drive,
  };
}

/** Holds, with a sign of life, until the gate opens. */
function holdUntil(gate: Gate, end: HoldEnd): () => Promise<HoldEnd> {
  return async () => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_TIMEOUT_MS / 5);
    await gate.opened;
    clearInterval(beat);
    return end;
  };
}

function operations(): Scenario {
  const gone = createGate();
  const orders: readonly GatewayMessage[] = [
    'cordon',
    'uncordon',
    'drain',
    'undrain',
    'restart',
    'stop',
    'start',
  ];
  return scenario('operations', {
    claims: [{}],
    holds: { [HOSTS_QUEUE]: holdUntil(gone, { kind: 'removed' }) },
    drive: async (handle) => {
      for (const order of orders) await handle.executeUpdate(order, { args: [operator] });
      await handle.signal('recover');
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

/** A wait for idleness gives way to the newer wish. */
function overtaken(): Scenario {
  const gone = createGate();
  const waiting = createGate();
  return scenario('overtaken', {
    claims: [{}],
    holds: { [HOSTS_QUEUE]: holdUntil(gone, { kind: 'removed' }) },
    operations: {
      awaitIdle: async () => {
        const context = Context.current();
        waiting.open();
        const beat = setInterval(() => context.heartbeat(), 200);
        try {
          return await context.cancelled;
        } finally {
          clearInterval(beat);
        }
      },
    },
    drive: async (handle) => {
      await handle.executeUpdate('drain', { args: [operator] });
      await waiting.opened;
      await handle.executeUpdate('undrain', { args: [operator] });
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

/** The host falls silent, is asked once more, does not come, and another one takes over. */
function failover(): Scenario {
  const silent = createGate();
  const gone = createGate();
  const taken = createGate();
  return scenario('failover', {
    claims: [{}, { lastHost: 'h1', takenEpoch: 1 }, { lastHost: 'h1', takenEpoch: 1 }],
    holds: {
      [HOSTS_QUEUE]: async () => {
        if (Context.current().info.activityId === '2') {
          await silent.opened;
          return { kind: 'superseded' };
        }
        taken.open();
        return holdUntil(gone, { kind: 'removed' })();
      },
    },
    drive: async (handle) => {
      await taken.opened;
      silent.open();
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

function handedOver(): Scenario {
  const gone = createGate();
  const leaving = createGate();
  const back = createGate();
  return scenario('handed-over', {
    claims: [
      { kind: 'managed', lastHost: 'h1' },
      { kind: 'managed', lastHost: 'h1', takenEpoch: 1 },
    ],
    holds: {
      [hostQueue('h1')]: async () => {
        if (Context.current().info.activityId === '2') {
          return holdUntil(leaving, { kind: 'handed-over' })();
        }
        back.open();
        return holdUntil(gone, { kind: 'removed' })();
      },
    },
    drive: async (handle) => {
      leaving.open();
      await back.opened;
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

/** A host that is full refuses a managed gateway's first hold; the next one takes it. */
function refused(): Scenario {
  const gone = createGate();
  const taken = createGate();
  let asked = 0;
  return scenario('refused', {
    claims: [{ kind: 'managed' }],
    holds: {
      [MANAGED_HOSTS_QUEUE]: async () => {
        asked += 1;
        if (asked === 1) return { kind: 'full' };
        taken.open();
        return holdUntil(gone, { kind: 'removed' })();
      },
    },
    drive: async (handle) => {
      await taken.opened;
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

/** At the bound of a drain two runs go on. */
function overdue(): Scenario {
  const gone = createGate();
  const said = createGate();
  return scenario('overdue', {
    claims: [{}],
    holds: { [HOSTS_QUEUE]: holdUntil(gone, { kind: 'removed' }) },
    operations: { awaitIdle: async () => ({ running: 2 }) },
    control: { reportOverdueDrain: async () => said.open() },
    drive: async (handle) => {
      await handle.executeUpdate('drain', { args: [operator] });
      await said.opened;
      await handle.executeUpdate('remove', { args: [operator] });
      gone.open();
    },
  });
}

export function gatewayScenarios(): readonly Scenario[] {
  return [operations(), overtaken(), failover(), handedOver(), refused(), overdue()];
}
