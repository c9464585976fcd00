import { freshMemory, remember, rememberToLook } from '../../src/domain/attempt-protocol-memory.ts';
import type { Situation } from '../../src/domain/attempt-protocol-situation.ts';
import type { Observation } from '../../src/domain/attempt-protocol-types.ts';
import type { AttemptRecord } from '../../src/db/attempt-record.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import { factsOf, sessionKeyOf } from './facts.ts';
import type { HeldGateway, RunConnection, RunDeps } from './ports.ts';

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

/** The same situation after one more look. */
export async function lookAgain(
  deps: RunDeps,
  { gateway, sessionKey }: Subject,
  situation: Situation,
  runIds: readonly string[],
): Promise<Situation> {
  const { clock, policy } = deps;
  const looking = rememberToLook(situation.memory, clock.monotonic(), policy.inattentionMs);
  const seen = await lookOnce(gateway.connection, { sessionKey, runIds });
  const nowMs = clock.monotonic();
  return { ...situation, seen, nowMs, memory: remember(looking, situation.facts, seen, nowMs) };
}

/** One look, as an observation: every answer that is none makes the gateway unreachable, nothing is known then. */
export async function lookOnce(
  connection: RunConnection,
  query: Parameters<RunConnection['look']>[0],
): Promise<Observation> {
  try {
    return await connection.look(query);
  } catch (error) {
    if (!(error instanceof GatewayCallError)) throw error;
    return { kind: 'unreachable', why: error.message };
  }
}
