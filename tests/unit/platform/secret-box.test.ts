import { describe, expect, test } from '@jest/globals';
import {
  isSecretKey,
  newSecretKey,
  openSecret,
  sealSecret,
} from '../../../src/platform/secret-box.ts';

const key = newSecretKey();

describe('the secret box', () => {
  test.each(['', 'token', 'ключ 🔑', 'x'.repeat(10_000)])('gives back what was sealed', (text) => {
    expect(openSecret(key, sealSecret(key, text))).toBe(text);
  });

  test('the same secret never looks the same twice, and is not readable in the box', () => {
    const first = sealSecret(key, 'open sesame');
    expect(first.equals(sealSecret(key, 'open sesame'))).toBe(false);
    expect(first.toString('latin1')).not.toContain('sesame');
  });

  test('a changed byte anywhere is noticed', () => {
    const sealed = sealSecret(key, 'token');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = changed[at]! ^ 1;
      expect(() => openSecret(key, changed)).toThrow(/secret/);
    }
  });

  test('another key, or a shortened box, is refused with what to do', () => {
    expect(() => openSecret(newSecretKey(), sealSecret(key, 'token'))).toThrow(/DASH_SECRET_KEY/);
    expect(() => openSecret(key, sealSecret(key, 'token').subarray(0, 20))).toThrow(/again/);
  });

  test('a malformed key is refused without being shown', () => {
    expect(isSecretKey('too short')).toBe(false);
    expect(isSecretKey(key)).toBe(true);
    expect(() => sealSecret('c2hvcnQ=', 'token')).toThrow(/32 bytes/);
    expect(() => sealSecret('c2hvcnQ=', 'token')).not.toThrow(/c2hvcnQ/);
  });
});
