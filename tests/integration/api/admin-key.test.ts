import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ensureAdminKey } from '../../../src/auth/admin-key.ts';
import { newApiKey } from '../../../src/auth/api-key.ts';
import { withDatabase } from '../../support/database.ts';
import { startTestApi } from '../../support/test-api.ts';

const database = withDatabase();
const dir = mkdtempSync(join(tmpdir(), 'dash-admin-key-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let filePath: string;
let number = 0;
beforeEach(() => {
  number += 1;
  filePath = join(dir, `data-${number}`, 'admin-api-key');
});

const keyInFile = (): string => readFileSync(filePath, 'utf8').trim();

async function works(key: string): Promise<boolean> {
  const api = await startTestApi({ db: database().db });
  const { status } = await api.request('POST', '/api/v1/gateways/none/drain', { key });
  await api.close();
  return status === 404;
}

describe('the admin key', () => {
  test('is made at the first start, in a file that only its owner reads, and opens every route (R34)', async () => {
    const { keyId, created } = await ensureAdminKey(database().db, filePath);
    expect(created).toBe(true);
    expect(statSync(filePath).mode & 0o777).toBe(0o600);
    expect(keyInFile()).toContain(`dash_${keyId}_`);
    expect(await works(keyInFile())).toBe(true);
  });

  test('stays the same at every later start (R34)', async () => {
    const { db } = database();
    const first = await ensureAdminKey(db, filePath);
    const text = keyInFile();
    expect(await ensureAdminKey(db, filePath)).toEqual({ keyId: first.keyId, created: false });
    expect(keyInFile()).toBe(text);
  });

  test('processes that start at the same time agree on one (R45)', async () => {
    const { db } = database();
    const all = await Promise.all(Array.from({ length: 8 }, () => ensureAdminKey(db, filePath)));
    expect(new Set(all.map(({ keyId }) => keyId)).size).toBe(1);
    expect(keyInFile()).toContain(`dash_${all[0]!.keyId}_`);
  });

  test('a start that was killed between file and row is made up for by the next (R11)', async () => {
    const { text, keyId } = newApiKey();
    await ensureAdminKey(database().db, filePath);
    writeFileSync(filePath, `${text}\n`);
    expect(await ensureAdminKey(database().db, filePath)).toEqual({ keyId, created: true });
    expect(await works(text)).toBe(true);
  });

  test('a file that holds no usable key gets a new one: garbage, revoked, or of another secret (R34)', async () => {
    const { db } = database();
    const first = await ensureAdminKey(db, filePath);
    writeFileSync(filePath, 'garbage');
    const second = await ensureAdminKey(db, filePath);
    expect(second).toMatchObject({ created: true });
    expect(second.keyId).not.toBe(first.keyId);
    const revoked = keyInFile();
    await db.rows('update dash.api_keys set revoked_at = now() where id = $1', [second.keyId]);
    const third = await ensureAdminKey(db, filePath);
    expect(third).toMatchObject({ created: true });
    expect(keyInFile()).not.toBe(revoked);
    await db.rows(
      `update dash.api_keys set secret_hash = decode(repeat('00', 32), 'hex') where id = $1`,
      [third.keyId],
    );
    expect((await ensureAdminKey(db, filePath)).keyId).not.toBe(third.keyId);
    expect(statSync(filePath).mode & 0o777).toBe(0o600);
  });
});
