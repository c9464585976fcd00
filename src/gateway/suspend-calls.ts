import { badAnswer } from './call-outcome.ts';
import type { GatewayConnection, SuspendPhase, SuspendPrepared } from './connection.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { asList, asNumber, asRecord, asText } from './json-value.ts';

type Arguments<Method extends keyof GatewayConnection> = GatewayConnection[Method] extends (
  request: infer Request,
) => unknown
  ? Request
  : never;

/** Takes or renews (same request id) the suspension lease: 120 s, with `drain` after running work has ended. */
export async function suspendPrepare(
  call: GatewayCall,
  { requestId, drain, permit }: Arguments<'suspendPrepare'>,
): Promise<SuspendPrepared> {
  const method = 'gateway.suspend.prepare';
  const answer = asRecord(await call({ method, params: { requestId, drain }, permit }));
  const status = answer['status'];
  if (status !== 'ready' && status !== 'draining' && status !== 'busy') {
    throw badAnswer(method, 'a phase of the suspension');
  }
  const suspensionId = asText(answer['suspensionId']);
  if (status !== 'busy' && suspensionId === null)
    throw badAnswer(method, 'the id of the suspension');
  return {
    kind: status,
    suspensionId,
    expiresAtMs: asNumber(answer['expiresAtMs']),
    retryAfterMs: asNumber(answer['retryAfterMs']),
    activeCount: asNumber(answer['activeCount']) ?? 0,
    blockers: blockersOf(answer['blockers']),
  };
}

export async function suspendStatus(
  call: GatewayCall,
  { suspensionId }: Arguments<'suspendStatus'>,
): Promise<SuspendPhase> {
  const method = 'gateway.suspend.status';
  const answer = asRecord(await call({ method, params: { suspensionId } }));
  const status = answer['status'];
  if (status !== 'ready' && status !== 'draining' && status !== 'running') {
    throw badAnswer(method, 'a phase of the suspension');
  }
  return {
    kind: status,
    expiresAtMs: asNumber(answer['expiresAtMs']),
    activeCount: asNumber(answer['activeCount']) ?? 0,
    blockers: blockersOf(answer['blockers']),
  };
}

export async function suspendResume(
  call: GatewayCall,
  { suspensionId, permit }: Arguments<'suspendResume'>,
): Promise<void> {
  await call({ method: 'gateway.suspend.resume', params: { suspensionId }, permit });
}

export async function suspendHandoff(
  call: GatewayCall,
  { suspensionId, target, permit }: Arguments<'suspendHandoff'>,
): Promise<void> {
  const { pid, processInstanceId } = target;
  const params = { suspensionId, target: { pid, processInstanceId } };
  await call({ method: 'gateway.suspend.handoff', params, permit });
}

export async function requestRestart(
  call: GatewayCall,
  { reason, permit }: Arguments<'requestRestart'>,
): Promise<{ readonly kind: 'scheduled' | 'deferred' }> {
  const method = 'gateway.restart.request';
  const answer = asRecord(await call({ method, params: { reason }, permit }));
  if (answer['ok'] === false || asText(answer['status']) === null) {
    throw badAnswer(method, 'a plan for the restart');
  }
  return { kind: answer['status'] === 'deferred' ? 'deferred' : 'scheduled' };
}

function blockersOf(value: unknown): string[] {
  return asList(value).flatMap((item) => {
    const blocker = asRecord(item);
    const words = asText(blocker['message']) ?? asText(blocker['kind']);
    return words === null ? [] : [words];
  });
}
