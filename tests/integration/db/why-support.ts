import type { Database } from '../../../src/db/database.ts';
import { gatewayFacts, sessionFacts, swarmFacts, taskFacts } from '../../../src/db/why-queries.ts';
import { explain, type Why, type WhyReason } from '../../../src/domain/why.ts';
import { whyGateway } from '../../../src/domain/why-gateway.ts';
import { whySwarm } from '../../../src/domain/why-swarm.ts';
import type { TemporalCheck } from '../../../src/domain/why-temporal.ts';
import { whySession, whyTask } from '../../../src/domain/why-task.ts';

const FINE: TemporalCheck = { kind: 'ok' };
export const TEMPORAL_GONE: TemporalCheck = { kind: 'unreachable', detail: 'connection refused' };

/** Facts from rows, put into words: what the API does, without HTTP. */

export async function whyOfTask(db: Database, id: string, temporal = FINE): Promise<Why> {
  const facts = found(await taskFacts(db, id));
  return explain({ kind: 'task', id }, facts.task.state, whyTask(facts, temporal));
}

export async function whyOfSession(db: Database, key: string, temporal = FINE): Promise<Why> {
  const facts = found(await sessionFacts(db, { tenant: 'default', key }));
  return explain({ kind: 'session', id: key }, 'any', whySession(facts, temporal));
}

export async function whyOfGateway(db: Database, id: string, temporal = FINE): Promise<Why> {
  const facts = found(await gatewayFacts(db, id));
  return explain({ kind: 'gateway', id }, facts.gateway.state, whyGateway(facts, temporal));
}

export async function whyOfSwarm(db: Database, id: string, temporal = FINE): Promise<Why> {
  const facts = found(await swarmFacts(db, id));
  return explain({ kind: 'swarm', id }, facts.swarm.state, whySwarm(facts, temporal));
}

/** The binding reason. */
export function binding(why: Why): WhyReason {
  const [first] = why.reasons;
  if (first === undefined) throw new Error('there is no reason at all');
  return first;
}

export function codes(why: Why): readonly string[] {
  return why.reasons.map(({ code }) => code);
}

function found<Facts>(facts: Facts | null): Facts {
  if (facts === null) throw new Error('there is no such row');
  return facts;
}
