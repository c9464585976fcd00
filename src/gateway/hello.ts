import type { GatewayHello } from './connection.ts';
import { asNumber, asRecord, asText, asTexts } from './json-value.ts';

/** The parts of a `hello-ok` that Dash uses; absent fields become empty values. */
export function readHello(payload: unknown): GatewayHello {
  const hello = asRecord(payload);
  const server = asRecord(hello['server']);
  return {
    bootId: asText(server['bootId']) ?? '',
    serverVersion: asText(server['version']) ?? 'unknown',
    protocol: asNumber(hello['protocol']) ?? 0,
    scopes: asTexts(asRecord(hello['auth'])['scopes']),
    methods: asTexts(asRecord(hello['features'])['methods']),
    uptimeMs: asNumber(asRecord(hello['snapshot'])['uptimeMs']) ?? 0,
  };
}
