import { badAnswer } from './call-outcome.ts';
import type { Permit } from './connection.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { asRecord, asText } from './json-value.ts';

/**
 * Asks the gateway to abort one run, executing or queued (P28). `aborted` is false when it knows none of this id that
 * could still be aborted: only its ledger tells how that run ended.
 */
export async function abortRun(
  call: GatewayCall,
  request: { readonly sessionKey: string; readonly runId: string; readonly permit: Permit },
): Promise<{ readonly aborted: boolean }> {
  const key = request.sessionKey.toLowerCase();
  const { runId, permit } = request;
  const answer = asRecord(await call({ method: 'sessions.abort', params: { key, runId }, permit }));
  if (asText(answer['status']) === null) throw badAnswer('sessions.abort', 'a status');
  return { aborted: answer['status'] === 'aborted' };
}
