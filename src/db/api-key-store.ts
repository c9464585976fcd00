import { sql } from 'kysely';
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
  const row = await db.kysely
    .selectFrom('api_keys')
    .select([
      'id',
      'name',
      'secret_hash as secretHash',
      'tenant',
      'scopes',
      'created_at as createdAt',
      'expires_at as expiresAt',
      'revoked_at as revokedAt',
      'last_used_at as lastUsedAt',
    ])
    .where('id', '=', id)
    .executeTakeFirst();
  return row ?? null;
}

/** Notes that a key was used; at most one write a minute per key. */
export async function touchApiKey(db: Database, id: string): Promise<void> {
  const aMinuteAgo = sql<string>`now() - interval '1 minute'`;
  await db.kysely
    .updateTable('api_keys')
    .set({ last_used_at: sql`now()` })
    .where('id', '=', id)
    .where(({ eb }) => eb('last_used_at', 'is', null).or('last_used_at', '<', aMinuteAgo))
    .execute();
}
