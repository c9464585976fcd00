import type { Database } from './database.ts';

/** Which gateways belong to a pool: all that is asked must hold. And whose tasks it takes. */
export interface PoolSelection {
  readonly matchLabels: Readonly<Record<string, string>>;
  /** null: any region, and none. */
  readonly matchRegions: readonly string[] | null;
  readonly matchCapabilities: readonly string[];
  /** null: every tenant. */
  readonly allowedTenants: readonly string[] | null;
}

export interface PoolRecord extends PoolSelection {
  readonly id: string;
  /** How many gateways belong to it now. */
  readonly gateways: number;
  readonly createdAt: string;
}

/** By id. */
export function listPools(db: Database): Promise<PoolRecord[]> {
  return db.call('list_pools', {});
}

/** null: no such pool. */
export function getPool(db: Database, id: string): Promise<PoolRecord | null> {
  return db.call('get_pool', { id });
}

/**
 * Makes a pool, or replaces what one selects: what is left out is not asked. Gateways and claims follow at once; tasks
 * stay in the pool that they were accepted for, and those of a tenant that it takes no more wait.
 */
export function putPool(
  db: Database,
  pool: { readonly id: string; readonly actor?: string } & Partial<PoolSelection>,
): Promise<PoolRecord> {
  return db.call('put_pool', pool);
}

export type DeletePoolResult =
  | { readonly kind: 'deleted' }
  /** It is `default`, or work would be left without a pool: open tasks, nodes of swarms that wait for admission. */
  | { readonly kind: 'refused'; readonly openTasks: number; readonly waitingNodes: number }
  | { readonly kind: 'not-found' };

/** Deletes a pool without open work; ended tasks go on naming it. */
export function deletePool(
  db: Database,
  options: { readonly id: string; readonly actor: string },
): Promise<DeletePoolResult> {
  return db.call('delete_pool', options);
}
