import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * API keys: `dash_<key id>_<secret>`. The id (12 characters) finds the row; the secret is 32 random bytes in base62
 * followed by a checksum, so that a mistyped key is refused without asking the database. Only the SHA-256 of the
 * secret is stored: it is random enough that a slow hash would protect nothing more.
 */

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_CHARS = 12;
const SECRET_BYTES = 32;
const SECRET_CHARS = 43;
const CHECKSUM_CHARS = 6;
const FORM = /^dash_([0-9a-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** A key whose form and checksum are right; whether it is known is the database's word. */
export interface ParsedApiKey {
  readonly keyId: string;
  readonly secretHash: Buffer;
}

/** A new key. `text` is shown once and kept nowhere; `secretHash` is what the row holds. */
export function newApiKey(): ParsedApiKey & { readonly text: string } {
  const keyId = Array.from({ length: ID_CHARS }, () =>
    BASE62.charAt(randomInt(36)).toLowerCase(),
  ).join('');
  const secret = base62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_CHARS);
  const text = `dash_${keyId}_${secret}${checksum(keyId, secret)}`;
  return { text, keyId, secretHash: hashSecret(secret) };
}

/** null: not a key of Dash, or mistyped. */
export function parseApiKey(text: string): ParsedApiKey | null {
  const [, keyId, secret, sum] = FORM.exec(text) ?? [];
  if (keyId === undefined || secret === undefined || sum !== checksum(keyId, secret)) return null;
  return { keyId, secretHash: hashSecret(secret) };
}

/** Compares in constant time. */
export function sameSecret(stored: Uint8Array, presented: Uint8Array): boolean {
  return stored.byteLength === presented.byteLength && timingSafeEqual(stored, presented);
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

function checksum(keyId: string, secret: string): string {
  return base62(BigInt(crc32(`${keyId}_${secret}`)), CHECKSUM_CHARS);
}

function base62(value: bigint, width: number): string {
  let rest = value;
  let text = '';
  for (let digit = 0; digit < width; digit += 1) {
    text = BASE62.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}
