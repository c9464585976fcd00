import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ensureHostId, ensureSecretKey } from '../../../src/config/data-files.ts';
import { isSecretKey, newSecretKey } from '../../../src/platform/secret-box.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'dash-data-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('what belongs to a data directory', () => {
  test('a host id is made once and kept: a later process of the same directory is the same host (P32)', () => {
    const dataDir = join(dir, 'not', 'there', 'yet');
    const first = ensureHostId({ dataDir, hostId: undefined });
    expect(first).toMatch(/^host-[0-9a-z]{26}$/);
    expect(ensureHostId({ dataDir, hostId: undefined })).toBe(first);
    expect(ensureHostId({ dataDir: dir, hostId: undefined })).not.toBe(first);
  });

  test('the secret key is readable by its owner only, and nothing else is left behind', () => {
    const key = ensureSecretKey({ dataDir: dir, secretKey: undefined });
    expect(isSecretKey(key)).toBe(true);
    expect(ensureSecretKey({ dataDir: dir, secretKey: undefined })).toBe(key);
    expect(statSync(join(dir, 'secret-key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['secret-key']);
  });

  test('what the configuration says goes before the files, and no file is made', () => {
    const secretKey = newSecretKey();
    expect(ensureSecretKey({ dataDir: dir, secretKey })).toBe(secretKey);
    expect(ensureHostId({ dataDir: dir, hostId: 'host-1' })).toBe('host-1');
    expect(readdirSync(dir)).toEqual([]);
  });

  test('a damaged file is said to be so, never replaced: sealed tokens depend on it', () => {
    writeFileSync(join(dir, 'secret-key'), 'damaged');
    expect(() => ensureSecretKey({ dataDir: dir, secretKey: undefined })).toThrow(
      /Put the key back/,
    );
  });
});
