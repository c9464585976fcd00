import { findApiKey, touchApiKey, type ApiKeyRecord } from '../db/api-key-store.ts';
import type { Database } from '../db/database.ts';
import type { Clock } from '../platform/clock.ts';
import { parseApiKey, sameSecret } from './api-key.ts';
import type { Credential } from './credential.ts';

/** How long a found key is trusted without asking again: a revocation holds within this time. */
const TRUSTED_MS = 2_000;
const MOST_CACHED = 1_000;

/**
 * Finds out who asks by the `Authorization` header. Answers null for whatever is no valid key, without saying why;
 * throws what the database throws when it cannot be asked.
 */
export class Authenticator {
  readonly #db: Database;
  readonly #clock: Clock;
  /** Only keys that exist: whoever guesses ids fills nothing. */
  readonly #found = new Map<string, { readonly key: ApiKeyRecord; readonly until: number }>();

  constructor(options: { readonly db: Database; readonly clock: Clock }) {
    this.#db = options.db;
    this.#clock = options.clock;
  }

  async authenticate(authorization: string | undefined): Promise<Credential | null> {
    const [, text] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    const presented = text === undefined ? null : parseApiKey(text);
    if (presented === null) return null;
    const key = await this.#find(presented.keyId);
    if (key === null || !sameSecret(key.secretHash, presented.secretHash)) return null;
    if (key.revokedAt !== null) return null;
    if (key.expiresAt !== null && Date.parse(key.expiresAt) <= this.#clock.now()) return null;
    return { keyId: key.id, name: key.name, tenant: key.tenant, scopes: key.scopes };
  }

  async #find(keyId: string): Promise<ApiKeyRecord | null> {
    const cached = this.#found.get(keyId);
    if (cached !== undefined && cached.until > this.#clock.monotonic()) return cached.key;
    this.#found.delete(keyId);
    const key = await findApiKey(this.#db, keyId);
    if (key === null) return null;
    await touchApiKey(this.#db, keyId);
    if (this.#found.size >= MOST_CACHED) this.#found.clear();
    this.#found.set(keyId, { key, until: this.#clock.monotonic() + TRUSTED_MS });
    return key;
  }
}
