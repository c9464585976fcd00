import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { ADMIN_SCOPE } from '../contract/scopes.ts';
import { createApiKey, findApiKey } from '../db/api-key-store.ts';
import type { Database } from '../db/database.ts';
import { newApiKey, parseApiKey, sameSecret, type ParsedApiKey } from './api-key.ts';

export interface AdminKey {
  readonly keyId: string;
  /** False when the file held a valid one already. */
  readonly created: boolean;
}

/**
 * Makes sure that `filePath` (mode 0600) holds an admin key that works with this database. The file is written before
 * the row: a crash in between leaves a key that the next start enters into the database. Several processes may do this
 * at the same time with the same file; all end with the same key.
 */
export async function ensureAdminKey(db: Database, filePath: string): Promise<AdminKey> {
  for (;;) {
    const present = await readKey(filePath);
    if (present.kind === 'key') {
      const state = await enter(db, present.key);
      if (state !== 'unusable') return { keyId: present.key.keyId, created: state === 'entered' };
    }
    await writeNewKey(filePath, present.kind === 'none');
  }
}

type Present =
  { readonly kind: 'none' | 'other' } | { readonly kind: 'key'; readonly key: ParsedApiKey };

async function readKey(filePath: string): Promise<Present> {
  try {
    const key = parseApiKey((await readFile(filePath, 'utf8')).trim());
    return key === null ? { kind: 'other' } : { kind: 'key', key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' };
    throw error;
  }
}

/** Writes a new key; with `onlyIfAbsent` another process that was faster wins. */
async function writeNewKey(filePath: string, onlyIfAbsent: boolean): Promise<void> {
  await mkdir(dirname(filePath), { recursive: true, mode: 0o700 });
  const draft = `${filePath}.${randomUUID()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${newApiKey().text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  if (!onlyIfAbsent) return rename(draft, filePath);
  try {
    await link(draft, filePath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}

/** Enters the key into the database unless it is there; `unusable`: revoked, expired, or another secret. */
async function enter(db: Database, key: ParsedApiKey): Promise<'entered' | 'known' | 'unusable'> {
  const stored = await findApiKey(db, key.keyId);
  if (stored !== null) {
    const isUsable =
      stored.revokedAt === null && stored.expiresAt === null && stored.tenant === null;
    return isUsable && sameSecret(stored.secretHash, key.secretHash) ? 'known' : 'unusable';
  }
  try {
    await createAdminKey(db, key);
    return 'entered';
  } catch (error) {
    // another process entered the same key in the meantime
    if ((await findApiKey(db, key.keyId)) !== null) return 'known';
    throw error;
  }
}

async function createAdminKey(db: Database, key: ParsedApiKey): Promise<void> {
  await createApiKey(db, {
    id: key.keyId,
    name: 'admin',
    secretHash: key.secretHash,
    tenant: null,
    scopes: [ADMIN_SCOPE],
  });
}
