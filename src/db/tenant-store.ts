import type { Database } from './database.ts';

/** A tenant: its share of the fleet, its bounds, and what it has now. */
export interface TenantRecord {
  readonly id: string;
  /** Inside a level its turns come so often as those of a tenant of weight 1, times this. */
  readonly weight: number;
  /** null: the installation's bound for tenants. */
  readonly maxOpenTasks: number | null;
  /** null: the installation's cap for tenants. */
  readonly maxRunning: number | null;
  readonly openTasks: number;
  /** Lanes that its tasks hold. */
  readonly running: number;
  readonly createdAt: string;
}

/** By id, those after `after`; `only` limits the list to one. */
export function listTenants(
  db: Database,
  options: { readonly after?: string; readonly only?: string; readonly limit: number },
): Promise<TenantRecord[]> {
  return db.call('list_tenants', options);
}

/** null: nothing was ever done for such a tenant. */
export function getTenant(db: Database, id: string): Promise<TenantRecord | null> {
  return db.call('get_tenant', { id });
}

/** Makes a tenant, or changes one; what is left out stays. Holds from the next accept and claim on. */
export function putTenant(
  db: Database,
  tenant: { readonly id: string; readonly actor: string } & Partial<
    Pick<TenantRecord, 'weight' | 'maxOpenTasks' | 'maxRunning'>
  >,
): Promise<TenantRecord> {
  return db.call('put_tenant', tenant);
}
