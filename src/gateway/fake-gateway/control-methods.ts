import { asRecord, asText } from '../json-value.ts';
import type { BootParts } from './boot-parts.ts';
import type { Handler, Reply } from './reply.ts';

/** Suspension and restart: the methods with which an operator takes a gateway out of service. */
export const handlePrepare: Handler = (boot, params, reply) => {
  const result = boot.suspension.prepare(
    String(params['requestId']).trim(),
    params['drain'] === true,
  );
  replyLease(boot, result, 'another gateway suspension is already prepared', reply);
};

export const handleStatus: Handler = (boot, params, reply) => {
  const result = boot.suspension.status(String(params['suspensionId']).trim());
  replyLease(boot, result, 'a different gateway suspension is prepared', reply);
};

export const handleResume: Handler = (boot, params, reply) => {
  const { ok, resumed } = boot.suspension.resume(String(params['suspensionId']).trim());
  if (!ok)
    return reply.error({
      code: 'INVALID_REQUEST',
      message: 'gateway suspension id does not match',
    });
  reply.ok({ ok: true, status: 'running', resumed });
};

export const handleHandoff: Handler = (boot, params, reply) => {
  const target = asRecord(params['target']);
  const isThisProcess =
    target['pid'] === boot.process.pid && target['processInstanceId'] === boot.process.instanceId;
  if (!isThisProcess) {
    return reply.error({ code: 'UNAVAILABLE', message: 'gateway process changed after preflight' });
  }
  if (!boot.suspension.holds(asText(params['suspensionId']) ?? '')) {
    return reply.error({ code: 'UNAVAILABLE', message: 'gateway suspension is not prepared' });
  }
  reply.ok({ ok: true, status: 'armed' });
};

export const handleRestart: Handler = (boot, _params, reply) => {
  const busy = boot.engine.activeCount() + boot.engine.queuedCount() > 0;
  reply.ok({
    ok: true,
    status: busy ? 'deferred' : 'scheduled',
    preflight: { safe: !busy, counts: { totalActive: boot.engine.activeCount() }, blockers: [] },
  });
  boot.restart();
};

function replyLease(
  boot: BootParts,
  result: Readonly<Record<string, unknown>> | { readonly conflict: number },
  words: string,
  reply: Reply,
): void {
  if (!('conflict' in result)) return reply.ok(result);
  const expiresAtMs = Number(result['conflict']);
  reply.error({
    code: 'UNAVAILABLE',
    message: words,
    retryable: true,
    retryAfterMs: Math.max(0, expiresAtMs - boot.clock.now()),
    details: { reason: 'gateway-suspension-conflict', expiresAtMs },
  });
}
