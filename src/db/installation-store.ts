import type { Database } from './database.ts';

/** What holds for the whole installation. */
export interface Installation {
  /** Eight lower-case base32 letters, in every name that Dash leaves at a gateway. */
  readonly id: string;
  /** Names the event stream that cursors belong to; another one after a restore (P36). */
  readonly stream: string;
  readonly fleetPaused: boolean;
  readonly maxOpenTasks: number;
  /** null: no cap. */
  readonly maxRunningTotal: number | null;
  readonly maxRunningPerTenant: number | null;
  readonly createdAt: string;
}

export function readInstallation(db: Database): Promise<Installation> {
  return db.call('read_installation', {});
}

/** The fleet brake: no claims while paused; running work goes on. Taken under the claim lock (P9). */
export function setFleetPaused(
  db: Database,
  options: { readonly paused: boolean; readonly actor: string },
): Promise<Installation> {
  return db.call('set_fleet_paused', options);
}

/** Sets bounds and caps; what is left out stays. Caps hold from the next claim on, bounds from the next accept. */
export function setLimits(
  db: Database,
  limits: {
    readonly maxOpenTasks?: number;
    readonly maxRunningTotal?: number | null;
    readonly maxRunningPerTenant?: number | null;
  },
): Promise<Installation> {
  return db.call('set_limits', limits);
}
