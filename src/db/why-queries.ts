import type {
  GatewayWhyFacts,
  SessionFacts,
  SwarmFacts,
  WaitingFacts,
} from '../domain/why-facts.ts';
import type { Database } from './database.ts';

/** What the rows say about why something stands where it stands; null: there is no such thing. */

export function taskFacts(db: Database, taskId: string): Promise<WaitingFacts | null> {
  return db.call('why_task', { taskId });
}

export function sessionFacts(
  db: Database,
  session: { readonly tenant: string; readonly key: string },
): Promise<SessionFacts | null> {
  return db.call('why_session', session);
}

export function gatewayFacts(db: Database, gatewayId: string): Promise<GatewayWhyFacts | null> {
  return db.call('why_gateway', { gatewayId });
}

export function swarmFacts(db: Database, swarmId: string): Promise<SwarmFacts | null> {
  return db.call('why_swarm', { swarmId });
}
