import type { Database } from './database.ts';

/** A named set of gateways: those whose labels contain all of `matchLabels`. */
export interface PoolRecord {
  readonly id: string;
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** By id. */
export function listPools(db: Database): Promise<PoolRecord[]> {
  return db.call('list_pools', {});
}

/** Makes a pool, or changes the labels of one. */
export function putPool(
  db: Database,
  pool: { readonly id: string; readonly matchLabels: Readonly<Record<string, string>> },
): Promise<PoolRecord> {
  return db.call('put_pool', pool);
}
