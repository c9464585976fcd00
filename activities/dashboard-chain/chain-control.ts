import { ApplicationFailure } from '@temporalio/common';
import {
  getChain,
  putChainPlan,
  recordChain,
  recordChainAction,
} from '../../src/db/chain-store.ts';
import type { Database } from '../../src/db/database.ts';
import { getGateway, recentStarts, recordStart } from '../../src/db/gateway-store.ts';
import type { HealSituation, PlannedStep } from '../../src/domain/dashboard-chain/plan.ts';
import { diagnosisOf } from '../../src/domain/dashboard-chain/words.ts';
import type { TakenAction } from '../../src/domain/messages.ts';
import { UNCLEAN_WITHIN_SECONDS } from '../../src/domain/restart-budget.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';
import { plannedWords } from './circumstances.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** What a heal needs to know beside what was seen. */
export interface HealGround extends Pick<HealSituation, 'gateway' | 'startsMs'> {
  /** Down by plan, in words: nothing is to be done; null: it is meant to work. */
  readonly planned: string | null;
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
  const { db, clock } = deps;
  return {
    async markUnwatched({ gatewayId }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return false;
      await recordChain(db, {
        gatewayId,
        revision: record.revision,
        ownerEpoch: null,
        verdict: null,
        flapping: [],
        at: new Date(clock.now()).toISOString(),
        episodeSince: record.episodeSince,
        diagnosis: diagnosisOf(null),
      });
      return true;
    },

    healGround: ({ gatewayId }) => healGround(db, gatewayId),

    async recordPlan({ gatewayId, plan }) {
      await putChainPlan(db, { gatewayId, plan });
    },

    async recordAction({ gatewayId, actor, action }) {
      await recordChainAction(db, { gatewayId, actor, action });
    },

    async countRestart({ gatewayId, reason }) {
      await recordStart(db, { gatewayId, reason });
    },

    askRestart: (input) => askRestart(deps, input),
  };
}

async function healGround(db: Database, gatewayId: string): Promise<HealGround | null> {
  const [record, gateway, startsMs] = await Promise.all([
    getChain(db, gatewayId),
    getGateway(db, gatewayId),
    recentStarts(db, { gatewayId, withinSeconds: UNCLEAN_WITHIN_SECONDS }),
  ]);
  if (record === null || gateway === null) return null;
  const { heal, settleSeconds } = record.settings;
  const hint = gateway.state === 'failed' ? (gateway.hint ?? gateway.stateReason) : null;
  return {
    gateway: { isManaged: gateway.kind === 'managed', hint },
    startsMs,
    planned: plannedWords(record),
    heal,
    settleMs: settleSeconds * 1_000,
  };
}

/** Refused where it would take a cordon, or a drain, back. */
async function askRestart(
  { db, messages }: ChainControlDeps,
  { gatewayId, reason }: OfGateway & { readonly reason: string },
): Promise<void> {
  const gateway = await getGateway(db, gatewayId);
  if (gateway?.desiredState !== 'running')
    throw ApplicationFailure.nonRetryable('an operator wants the gateway otherwise', 'Planned');
  const command = { actor: 'chain', reason };
  const result = await messages.updateGateway(gatewayId, 'restart', command);
  if (result.kind === 'refused') throw ApplicationFailure.nonRetryable(result.detail, 'Refused');
}
