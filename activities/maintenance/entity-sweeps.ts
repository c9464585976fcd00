import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import { listGateways } from '../../src/db/gateway-store.ts';
import {
  openSwarms,
  repairSessionHead,
  sessionsWithoutHead,
  silentOwners,
  staleDirtySwarms,
  type HeadlessSession,
  type SilentOwner,
} from '../../src/db/reconcile-queries.ts';
import {
  migrateStrandedSession,
  strandedSessions,
  type StrandedSession,
} from '../../src/db/session-care.ts';
import { listChains, type ChainRecord } from '../../src/db/chain-store.ts';
import { runningBulks } from '../../src/db/bulk-store.ts';
import { bulkWorkflowId, chainWorkflowId, gatewayWorkflowId } from '../../src/domain/names.ts';
import { ageOf, type MaintenanceDeps, type Sweep } from './sweep.ts';

interface CarriedSwarm {
  readonly swarmId: string;
  readonly workflowId: string;
}

/** Everything that a swarm's workflow knows is in rows: starting it again is always safe (P31). */
export function swarmWithoutWorkflow({ db, temporal }: MaintenanceDeps): Sweep<CarriedSwarm> {
  return {
    candidates: (page) => openSwarms(db, page),
    idOf: (swarm) => swarm.swarmId,
    async inspect({ swarmId, workflowId }) {
      const fate = await temporal.fateOf(workflowId);
      if (fate === 'running') return null;
      await temporal.messages.startSwarm(swarmId);
      return { detail: { workflow: fate }, repaired: true };
    },
  };
}

export function swarmUnread({ db, temporal }: MaintenanceDeps): Sweep<CarriedSwarm> {
  return {
    candidates: (page) => staleDirtySwarms(db, page),
    idOf: (swarm) => swarm.swarmId,
    async inspect({ swarmId, workflowId }) {
      await temporal.messages.signalSwarmNews(swarmId);
      return { detail: { workflowId }, repaired: true };
    },
  };
}

/** Everything that its workflow knows is in its row: starting it again is always safe. */
export function bulkWithoutWorkflow({ db, temporal }: MaintenanceDeps): Sweep<{ bulkId: string }> {
  return {
    candidates: (page) => runningBulks(db, page),
    idOf: ({ bulkId }) => bulkId,
    async inspect({ bulkId }) {
      const fate = await temporal.fateOf(bulkWorkflowId(bulkId));
      if (fate === 'running') return null;
      await temporal.messages.startBulk(bulkId);
      return { detail: { workflow: fate }, repaired: true };
    },
  };
}

/** Gateways are few: all of them are one page. */
export function gatewayWithoutWorkflow(deps: MaintenanceDeps): Sweep<GatewayRecord> {
  const { db, temporal, clock } = deps;
  return {
    candidates: async ({ after }) => (after === undefined ? listGateways(db) : []),
    idOf: (gateway) => gateway.id,
    async inspect({ id, state, createdAt }) {
      const ageMs = clock.now() - Date.parse(createdAt);
      if (state === 'removed' || ageMs < ageOf(deps) * 1_000) return null;
      const fate = await temporal.fateOf(gatewayWorkflowId(id));
      if (fate === 'running') return null;
      await temporal.messages.ensureGateway(id);
      return { detail: { state, workflow: fate }, repaired: true };
    },
  };
}

/** As few as gateways. Everything that its workflow knows is seen anew. */
export function chainWithoutWorkflow(deps: MaintenanceDeps): Sweep<ChainRecord> {
  const { db, temporal, clock } = deps;
  return {
    candidates: async ({ after }) => (after === undefined ? listChains(db) : []),
    idOf: ({ gatewayId }) => gatewayId,
    async inspect({ gatewayId, createdAt }) {
      const ageMs = clock.now() - Date.parse(createdAt);
      if (ageMs < ageOf(deps) * 1_000) return null;
      const fate = await temporal.fateOf(chainWorkflowId(gatewayId));
      if (fate === 'running') return null;
      await temporal.messages.ensureChain(gatewayId);
      return { detail: { workflow: fate }, repaired: true };
    },
  };
}

export function sessionWithoutHead({ db }: MaintenanceDeps): Sweep<HeadlessSession> {
  return {
    candidates: (page) => sessionsWithoutHead(db, page),
    idOf: (session) => String(session.sessionId),
    async inspect({ sessionId, tenant, key }) {
      const repaired = await repairSessionHead(db, sessionId);
      return repaired ? { detail: { tenant, key }, repaired } : null;
    },
  };
}

/** What a person has allowed in the outcome policy, and only where nothing can be done twice (P27). */
export function sessionStranded({ db }: MaintenanceDeps): Sweep<StrandedSession> {
  return {
    candidates: (page) => strandedSessions(db, page),
    idOf: (session) => String(session.sessionId),
    async inspect({ sessionId, gatewayId, tenant, key }) {
      const repaired = await migrateStrandedSession(db, { sessionId, gatewayId });
      return repaired ? { detail: { tenant, key, from: gatewayId }, repaired } : null;
    },
  };
}

/** Who holds a gateway is decided by its workflow alone; here it only becomes visible that nobody does. */
export function ownerGone({ db }: MaintenanceDeps): Sweep<SilentOwner> {
  return {
    candidates: (page) => silentOwners(db, page),
    idOf: (owner) => owner.gatewayId,
    inspect: async ({ ownerHost, ownerEpoch, lastSeenAt }) => ({
      detail: { ownerHost, ownerEpoch, lastSeenAt },
      repaired: false,
    }),
  };
}
