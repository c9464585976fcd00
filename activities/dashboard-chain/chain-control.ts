import {
  getChain,
  putChainPlan,
  recordChain,
  recordChainAction,
} from '../../src/db/chain-store.ts';
import type { Database } from '../../src/db/database.ts';
import { getGateway, recentStarts, recordStart } from '../../src/db/gateway-store.ts';
import {
  STARTS_WITHIN_MS,
  type HealSituation,
  type PlannedStep,
} from '../../src/domain/dashboard-chain/plan.ts';
import { diagnosisOf } from '../../src/domain/dashboard-chain/words.ts';
import type { TakenAction } from '../../src/domain/messages.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** What a heal needs to know beside what was seen. */
export interface HealGround extends Pick<HealSituation, 'gateway' | 'startsMs'> {
  readonly heal: 'auto' | 'off';
  readonly settleMs: number;
}

/** What `dashboardChainWorkflow` asks of the rows, and of the gateway's workflow. */
export interface ChainControlActivities {
  /** Nobody has watched it for a while. Answers false when there is no chain to be watched. */
  markUnwatched(input: OfGateway): Promise<boolean>;
  /** null: there is no chain. */
  healGround(input: OfGateway): Promise<HealGround | null>;
  recordPlan(input: OfGateway & { readonly plan: readonly PlannedStep[] }): Promise<void>;
  recordAction(
    input: OfGateway & { readonly actor: string; readonly action: TakenAction },
  ): Promise<void>;
  /** Counts a restart against the gateway's budget before it happens. */
  countRestart(input: OfGateway & { readonly reason: string }): Promise<void>;
  /** Asks the gateway's workflow, which drains it first. */
  askRestart(input: OfGateway & { readonly reason: string }): Promise<void>;
}

export interface ChainControlDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly messages: Pick<WorkflowMessages, 'updateGateway'>;
}

export function createChainControlActivities(deps: ChainControlDeps): ChainControlActivities {
  const { db, clock, messages } = deps;
  return {
    async markUnwatched({ gatewayId }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return false;
      await recordChain(db, {
        gatewayId,
        revision: record.revision,
        verdict: null,
        flapping: [],
        at: new Date(clock.now()).toISOString(),
        episodeSince: record.episodeSince,
        diagnosis: diagnosisOf(null),
      });
      return true;
    },

    async healGround({ gatewayId }) {
      const [record, gateway, startsMs] = await Promise.all([
        getChain(db, gatewayId),
        getGateway(db, gatewayId),
        recentStarts(db, { gatewayId, withinSeconds: STARTS_WITHIN_MS / 1_000 }),
      ]);
      if (record === null || gateway === null) return null;
      const { heal, settleSeconds } = record.settings;
      const hint = gateway.state === 'failed' ? (gateway.hint ?? gateway.stateReason) : null;
      return {
        gateway: { isManaged: gateway.kind === 'managed', hint },
        startsMs,
        heal,
        settleMs: settleSeconds * 1_000,
      };
    },

    async recordPlan({ gatewayId, plan }) {
      await putChainPlan(db, { gatewayId, plan });
    },

    async recordAction({ gatewayId, actor, action }) {
      await recordChainAction(db, { gatewayId, actor, action });
    },

    async countRestart({ gatewayId, reason }) {
      await recordStart(db, { gatewayId, reason });
    },

    async askRestart({ gatewayId, reason }) {
      const command = { actor: 'chain', reason };
      const result = await messages.updateGateway(gatewayId, 'restart', command);
      if (result.kind === 'refused') throw new Error(result.detail);
    },
  };
}
