import { stateSentinelKey } from '../domain/names.ts';
import { badAnswer } from './call-outcome.ts';
import type { Permit } from './connection.ts';
import type { GatewayRead } from './ledger-calls.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { asRecord, asText, isRecord } from './json-value.ts';

/** The id that names the gateway's state directory, or null when it has no sentinel of this installation. */
export async function readStateSentinel(
  read: GatewayRead,
  installation: string,
): Promise<string | null> {
  const answer = await read('sessions.describe', { key: stateSentinelKey(installation) });
  if (!isRecord(answer) || !('session' in answer))
    throw badAnswer('sessions.describe', 'a session');
  return asText(asRecord(answer['session'])['sessionId']);
}

/**
 * Makes the sentinel unless it is there, and answers its id as a second look sees it: a session without a message,
 * so no run starts. Repeating it answers the same id.
 */
export async function ensureStateSentinel(
  call: GatewayCall,
  read: GatewayRead,
  options: { readonly installation: string; readonly permit: Permit },
): Promise<string> {
  const found = await readStateSentinel(read, options.installation);
  if (found !== null) return found;
  const key = stateSentinelKey(options.installation);
  await call({ method: 'sessions.create', params: { key }, permit: options.permit });
  const made = await readStateSentinel(read, options.installation);
  if (made === null) throw badAnswer('sessions.create', 'a session that can be found again');
  return made;
}
