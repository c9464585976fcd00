import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';

/**
 * The device that Dash is for a gateway on another machine (R26): there the shared token alone is granted no scopes,
 * and a person approves the device once. One key per gateway; it is a secret and is stored sealed.
 */
export interface DeviceIdentity {
  /** Hexadecimal SHA-256 of the raw public key: what `devices approve` shows. */
  readonly deviceId: string;
  /** Raw, base64url. */
  readonly publicKey: string;
  /** base64url */
  sign(text: string): string;
}

/** The bytes of DER before the raw key, always the same for Ed25519. */
const SPKI_PREFIX_BYTES = 12;

/** A new private key, PKCS#8 in base64. */
export function newDeviceKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
}

/** Throws when it is not a key of `newDeviceKey`; the error says nothing of its content. */
export function openDeviceKey(key: string): DeviceIdentity {
  const privateKey = readKey(key);
  const raw = createPublicKey(privateKey)
    .export({ format: 'der', type: 'spki' })
    .subarray(SPKI_PREFIX_BYTES);
  return {
    deviceId: createHash('sha256').update(raw).digest('hex'),
    publicKey: raw.toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64url'),
  };
}

function readKey(key: string): KeyObject {
  try {
    const der = Buffer.from(key, 'base64');
    const read = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    if (read.asymmetricKeyType === 'ed25519') return read;
  } catch {
    // OpenSSL's words name no cause that a person could mend.
  }
  throw new Error('the stored device key is not an Ed25519 key: pair the gateway again');
}

export interface DeviceClaim {
  readonly client: { readonly id: string; readonly mode: string; readonly platform: string };
  readonly scopes: readonly string[];
  /** Of `connect.challenge`. */
  readonly challenge: { readonly nonce: string; readonly ts: number };
  /** The shared token, or the device's own: whichever goes along in `auth`. */
  readonly credential: string;
}

/** `device` of a `connect` frame: proof of the key for this challenge, this client and these scopes (wire version 4). */
export function deviceParams(identity: DeviceIdentity, claim: DeviceClaim): object {
  const { client, challenge } = claim;
  const { deviceId: id, publicKey } = identity;
  const text = [
    ...['v3', id, client.id, client.mode, 'operator', claim.scopes.join(',')],
    ...[challenge.ts, claim.credential, challenge.nonce, client.platform.toLowerCase(), ''],
  ].join('|');
  const signature = identity.sign(text);
  return { id, publicKey, signature, signedAt: challenge.ts, nonce: challenge.nonce };
}
