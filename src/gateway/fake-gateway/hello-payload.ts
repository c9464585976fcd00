import type { BootParts } from './boot-parts.ts';
import { WIRE_PROTOCOL } from './handshake.ts';
import { METHODS, loopReport } from './methods.ts';

/** The payload of `hello-ok`: who answers, what it speaks, and what it granted. */
export function helloPayload(
  boot: BootParts,
  options: {
    readonly version: string;
    readonly tickIntervalMs: number;
    readonly maxPayloadBytes: number;
    readonly scopes: readonly string[];
    readonly connection: number;
  },
): Record<string, unknown> {
  return {
    type: 'hello-ok',
    protocol: WIRE_PROTOCOL,
    server: {
      version: options.version,
      bootId: boot.bootId,
      connId: `fake-${options.connection}`,
    },
    features: {
      methods: Object.keys(METHODS),
      events: ['agent', 'chat', 'health', 'shutdown', 'task', 'tick'],
    },
    snapshot: {
      suspension: { phase: boot.suspension.phase() },
      uptimeMs: boot.uptimeMs(),
      sessionDefaults: { defaultAgentId: 'main', mainSessionKey: 'agent:main:main' },
      health: { ok: true, eventLoop: loopReport(boot.settings.eventLoopDelayMs) },
    },
    auth: { method: 'token', role: 'operator', scopes: options.scopes },
    policy: {
      maxPayload: options.maxPayloadBytes,
      maxBufferedBytes: 2 * options.maxPayloadBytes,
      tickIntervalMs: options.tickIntervalMs,
    },
  };
}
