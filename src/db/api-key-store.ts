import type { Database } from './database.ts';

export interface ApiKeyRecord {
  readonly id: string;
  readonly name: string;
  readonly secretHash: Buffer;
  /** null: every tenant. */
  readonly tenant: string | null;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
}

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly secretHash: Uint8Array;
  readonly tenant: string | null;
  readonly scopes: readonly string[];
  readonly expiresAt?: string | null;
}

/** Stores a key; its tenant is made when it is new. Refused by the database when the id is taken. */
export async function createApiKey(db: Database, key: NewApiKey): Promise<void> {
  const secretHash = Buffer.from(key.secretHash).toString('hex');
  await db.call('create_api_key', { ...key, secretHash });
}

/** null: no key of this id. Revoked and expired ones are answered too: the caller looks. */
export async function findApiKey(db: Database, id: string): Promise<ApiKeyRecord | null> {
  const rows = await db.rows<ApiKeyRecord>(
    `select id, name, secret_hash as "secretHash", tenant, scopes, created_at as "createdAt",
            expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"
     from dash.api_keys where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** Notes that a key was used; at most one write a minute per key. */
export async function touchApiKey(db: Database, id: string): Promise<void> {
  await db.rows(
    `update dash.api_keys set last_used_at = now()
     where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [id],
  );
}
