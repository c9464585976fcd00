import { createHash, createPublicKey, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { deviceParams, newDeviceKey, openDeviceKey } from '../../../src/gateway/device-identity.ts';

const CLAIM = {
  client: { id: 'gateway-client', mode: 'backend', platform: 'Linux' },
  scopes: ['operator.read', 'operator.write'],
  challenge: { nonce: 'n-1', ts: 1_795_352_070_850 },
  credential: 'a shared token',
};

test('a device proves its key for one challenge, and is known by the hash of that key (R26)', () => {
  const identity = openDeviceKey(newDeviceKey());
  const params = deviceParams(identity, CLAIM) as {
    readonly id: string;
    readonly publicKey: string;
    readonly signature: string;
  };
  const raw = Buffer.from(params.publicKey, 'base64url');
  expect(raw).toHaveLength(32);
  expect(params.id).toBe(createHash('sha256').update(raw).digest('hex'));
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: params.publicKey },
    format: 'jwk',
  });
  const signed = (nonce: string): Buffer =>
    Buffer.from(
      `v3|${params.id}|gateway-client|backend|operator|operator.read,operator.write|1795352070850|a shared token|${nonce}|linux|`,
    );
  const signature = Buffer.from(params.signature, 'base64url');
  expect(verify(null, signed('n-1'), key, signature)).toBe(true);
  expect(verify(null, signed('n-2'), key, signature)).toBe(false);
  expect(params).toMatchObject({ nonce: 'n-1', signedAt: CLAIM.challenge.ts });
});

test('the frame holds neither the key nor the credential, and the same key is the same device', () => {
  const key = newDeviceKey();
  const text = JSON.stringify(deviceParams(openDeviceKey(key), CLAIM));
  expect(text).not.toContain(CLAIM.credential);
  expect(text).not.toContain(key);
  expect(openDeviceKey(key).deviceId).toBe(openDeviceKey(key).deviceId);
  expect(openDeviceKey(newDeviceKey()).deviceId).not.toBe(openDeviceKey(key).deviceId);
});

test.each(['', 'no key', Buffer.from('neither').toString('base64')])(
  'what is no device key (%p) is refused with what to do, and is not repeated',
  (key) => {
    expect(() => openDeviceKey(key)).toThrow(/pair the gateway again/);
  },
);
