import type { Database } from './database.ts';
import type { TaskSummary } from './task-record.ts';

export interface SessionRecord {
  readonly id: number;
  readonly tenant: string;
  readonly key: string;
  /** Where it lives; null: its first task was not claimed yet. */
  readonly gatewayId: string | null;
  readonly openTasks: number;
  /** Dead letters since a task of it was completed. */
  readonly deadInARow: number;
  /** Set apart: nothing of it is claimed. */
  readonly quarantine: {
    readonly since: string;
    readonly reason: string;
    readonly by: string;
  } | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A session with its open tasks in their order; null: there is none of this key. */
export function getSession(
  db: Database,
  options: { readonly tenant: string; readonly key: string },
): Promise<(SessionRecord & { readonly tasks: readonly TaskSummary[] }) | null> {
  return db.call('get_session', options);
}

/** Newest first; `before` is the id of the last one of the page before. */
export function listSessions(
  db: Database,
  options: {
    readonly tenant?: string;
    readonly gatewayId?: string;
    readonly before?: number;
    readonly limit: number;
  },
): Promise<SessionRecord[]> {
  return db.call('list_sessions', options);
}
