import type { GatewayState } from '../domain/gateway.ts';
import type { Priority, TaskState } from '../domain/task.ts';
import type { BudgetRecord } from './budget-store.ts';
import type { Database } from './database.ts';

/** Tasks by state: open ones counted from their rows, ended ones from the counters that settle keeps. */
export function taskStateCounts(db: Database): Promise<{ state: TaskState; count: number }[]> {
  return db.call('task_state_counts', {});
}

export interface QueueDepth {
  readonly pool: string;
  readonly priority: Priority;
  /** Tasks that could be claimed now (`queued`). */
  readonly depth: number;
  readonly oldestAgeSeconds: number;
}

/** What may be claimed now, per pool and effective priority (R16). */
export function queueDepth(db: Database): Promise<QueueDepth[]> {
  return db.call('queue_depth', {});
}

export interface GatewayLanes {
  readonly gatewayId: string;
  readonly held: number;
  readonly free: number;
  /** Part of the lanes that its health leaves: 1 healthy, 0 unhealthy. */
  readonly health: number;
  /** Of the attempts that ended there lately, the part that failed by its doing. */
  readonly errorRate: number;
}

/** Lanes of every gateway that is not removed; free is 0 where nothing may be claimed. */
export function lanesByGateway(db: Database): Promise<GatewayLanes[]> {
  return db.call('lanes_by_gateway', {});
}

/** Gateways by state; removed ones are not counted. */
export function gatewayStates(db: Database): Promise<{ state: GatewayState; count: number }[]> {
  return db.call('gateway_states', {});
}

export interface OutcomeCount {
  /** An outcome, or `released`: never ran. */
  readonly outcome: string;
  /** Class of the failure, when the outcome is `failed`. */
  readonly failureClass: string | null;
  readonly count: number;
}

/** Attempts that ended, by outcome, from the counters that every end keeps. */
export function attemptOutcomes(db: Database): Promise<OutcomeCount[]> {
  return db.call('attempt_outcome_counts', {});
}

/** The budgets of the fleet and of tenants (P15); those of sessions and swarms are too many for series. */
export function wideBudgets(db: Database): Promise<BudgetFigures[]> {
  return db.call('wide_budgets', {});
}

export type BudgetFigures = Pick<BudgetRecord, 'name' | 'limit' | 'spent' | 'reserved'>;
