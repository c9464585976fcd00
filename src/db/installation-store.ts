import type { GatewayState } from '../domain/gateway.ts';
import type { TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';

/** What holds for the whole installation. */
export interface Installation extends Limits {
  /** Eight lower-case base32 letters, in every name that Dash leaves at a gateway. */
  readonly id: string;
  /** Names the event stream that cursors belong to; another one after a restore (P36). */
  readonly stream: string;
  readonly fleetPaused: boolean;
  /** While it is paused: since when, by whom, why if they said so. */
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  readonly pauseReason: string | null;
  readonly createdAt: string;
}

/** Bounds on open tasks and caps on running ones; null: none. */
export interface Limits {
  readonly maxOpenTasks: number;
  /** Of a tenant without a bound of its own. */
  readonly maxOpenTasksPerTenant: number | null;
  readonly maxOpenTasksPerPool: number | null;
  readonly maxRunningTotal: number | null;
  /** Of a tenant without a cap of its own. */
  readonly maxRunningPerTenant: number | null;
  /** After so long in the queue a task is raised by one level, never above high. */
  readonly ageingSeconds: number;
}

export function readInstallation(db: Database): Promise<Installation> {
  return db.call('read_installation', {});
}

/** The fleet brake: no claims while paused; running work goes on. Taken under the claim lock (P9). */
export function setFleetPaused(
  db: Database,
  options: { readonly paused: boolean; readonly actor: string; readonly reason?: string },
): Promise<Installation> {
  return db.call('set_fleet_paused', options);
}

/** Sets bounds and caps; what is left out stays. Caps hold from the next claim on, bounds from the next accept. */
export function setLimits(
  db: Database,
  limits: Partial<Limits> & { readonly actor?: string },
): Promise<Installation> {
  return db.call('set_limits', limits);
}

export interface FleetCounts {
  readonly openTasks: number;
  /** Open tasks by state; a state that no task is in is left out. */
  readonly tasks: Readonly<Partial<Record<TaskState, number>>>;
  readonly heldLanes: number;
  /** Of gateways that may be given work now. */
  readonly freeLanes: number;
  /** By state, without removed ones. */
  readonly gateways: Readonly<Partial<Record<GatewayState, number>>>;
}

/** How much is open and running in the whole fleet. */
export function fleetCounts(db: Database): Promise<FleetCounts> {
  return db.call('fleet_counts', {});
}
