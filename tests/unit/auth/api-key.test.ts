import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newApiKey, parseApiKey, sameSecret } from '../../../src/auth/api-key.ts';

describe('API keys', () => {
  test('a new key has the form dash_<id>_<secret>, is read back, and no two are alike (R34)', () => {
    const keys = Array.from({ length: 200 }, newApiKey);
    for (const key of keys) {
      expect(key.text).toMatch(/^dash_[0-9a-z]{12}_[0-9A-Za-z]{49}$/);
      expect(parseApiKey(key.text)).toEqual({ keyId: key.keyId, secretHash: key.secretHash });
      expect(key.secretHash).toHaveLength(32);
    }
    expect(new Set(keys.map(({ text }) => text)).size).toBe(200);
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(200);
  });

  test('a key with one character changed is refused before the database is asked (R34)', () => {
    const { text } = newApiKey();
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: text.length - 1 }),
        fc.constantFrom('0', 'a', 'Z', '_', '-'),
        (at, character) => {
          fc.pre(text.charAt(at) !== character);
          expect(parseApiKey(text.slice(0, at) + character + text.slice(at + 1))).toBeNull();
        },
      ),
    );
    expect(parseApiKey('')).toBeNull();
    expect(parseApiKey(`${text} `)).toBeNull();
  });

  test('secrets are the same only when every byte is (R35)', () => {
    const one = newApiKey().secretHash;
    expect(sameSecret(one, Buffer.from(one))).toBe(true);
    expect(sameSecret(one, newApiKey().secretHash)).toBe(false);
    expect(sameSecret(one, one.subarray(0, 31))).toBe(false);
  });
});
