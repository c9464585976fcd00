import { freshMemory } from '../../src/domain/attempt-protocol-memory.ts';
import type { Situation } from '../../src/domain/attempt-protocol-situation.ts';
import type { AttemptRecord } from '../../src/db/attempt-record.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import { factsOf, sessionKeyOf } from './facts.ts';
import type { HeldGateway, RunDeps } from './ports.ts';

/** An attempt and its gateway, for those who look at it beside its run. */
export interface Subject {
  readonly row: AttemptRecord;
  readonly gateway: HeldGateway;
  readonly sessionKey: string;
}

/** The attempt's row and its held gateway; null: there is no such attempt, or this host does not hold its gateway. */
export async function readSubject(deps: RunDeps, attemptId: string): Promise<Subject | null> {
  const row = await deps.rows.readAttempt(attemptId);
  const gateway = row === null ? null : deps.gateways.find(row.gatewayId);
  if (row === null || gateway === null) return null;
  return { row, gateway, sessionKey: sessionKeyOf(row, deps.installation) };
}

/** The situation of a subject before anything was looked at. */
export function situationOf(deps: RunDeps, row: AttemptRecord): Situation {
  const facts = factsOf(row, deps.clock);
  return {
    facts,
    seen: { kind: 'unseen' },
    memory: freshMemory(facts),
    policy: deps.policy,
    nowMs: deps.clock.monotonic(),
  };
}

/** One look, as an observation. */
export async function lookOnce(
  { gateway, sessionKey }: Subject,
  runIds: readonly string[],
): Promise<Situation['seen']> {
  try {
    return await gateway.connection.look({ sessionKey, runIds });
  } catch (error) {
    if (!(error instanceof GatewayCallError)) throw error;
    return { kind: 'unreachable', why: error.message };
  }
}
