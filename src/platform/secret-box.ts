import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Secrets at rest (gateway tokens). A sealed box is `version(1) ‖ nonce(12) ‖ tag(16) ‖ ciphertext`,
 * AES-256-GCM with a fresh nonce each time: whoever reads the row learns nothing, whoever changes it
 * is noticed.
 */
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;
const KEY_BYTES = 32;

/** A new key for this installation: 32 random bytes in base64. */
export function newSecretKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/** True for what `sealSecret` accepts as a key: the base64 form of exactly 32 bytes. */
export function isSecretKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text;
}

/** Seals `text` under `key` (32 bytes, base64). Throws when the key is malformed; never shows it. */
export function sealSecret(key: string, text: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(key), nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
}

/** Opens what `sealSecret` made. Throws a sentence when the key is another one or the bytes were changed. */
export function openSecret(key: string, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed);
  if (bytes.length < HEADER_BYTES || bytes[0] !== VERSION) {
    throw new Error(
      'The stored secret is not in a form that this version of Dash knows. Enter the secret again.',
    );
  }
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', keyBytes(key), nonce, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEADER_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES)), decipher.final()]);
    return text.toString('utf8');
  } catch (cause) {
    throw new Error(
      'The stored secret cannot be opened: it was sealed with another key, or was changed. ' +
        'Use the secret key it was stored with (DASH_SECRET_KEY), or enter the secret again.',
      { cause },
    );
  }
}

function keyBytes(key: string): Buffer {
  if (!isSecretKey(key)) {
    throw new Error(
      'The secret key must be 32 bytes in base64. Make one with: openssl rand -base64 32',
    );
  }
  return Buffer.from(key, 'base64');
}
