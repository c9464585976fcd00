import type { EventType } from '../domain/event-type.ts';
import type { Database } from './database.ts';

/** Something that happened. `seq` follows the order of the commits (P5). */
export interface EventRecord {
  readonly seq: number;
  readonly at: string;
  readonly type: EventType;
  readonly tenant: string | null;
  readonly taskId: string | null;
  readonly attemptId: string | null;
  readonly swarmId: string | null;
  readonly sessionKey: string | null;
  readonly gatewayId: string | null;
  readonly correlationId: string | null;
  readonly actor: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventFilter {
  readonly types?: readonly string[];
  readonly tenant?: string;
  readonly taskId?: string;
  readonly swarmId?: string;
  readonly sessionKey?: string;
  readonly gatewayId?: string;
}

export interface EventPage {
  readonly events: readonly EventRecord[];
  /**
   * Everything up to here was looked at: read on after this, also when the filter let nothing through. No event
   * at or below it can appear later.
   */
  readonly upTo: number;
}

/** Events after `after` in their order, at most `limit`. */
export function readEvents(
  db: Database,
  options: { readonly after: number; readonly limit: number; readonly filter?: EventFilter },
): Promise<EventPage> {
  return db.call('read_events', options);
}

/** The seq of the newest event; 0: none yet. */
export async function currentSeq(db: Database): Promise<number> {
  const { seq } = await db.call<{ seq: number }>('current_seq', {});
  return seq;
}

/** The events of one task, oldest first. */
export function taskEvents(
  db: Database,
  options: { readonly taskId: string; readonly after?: number; readonly limit: number },
): Promise<EventPage> {
  return readEvents(db, {
    after: options.after ?? 0,
    limit: options.limit,
    filter: { taskId: options.taskId },
  });
}
