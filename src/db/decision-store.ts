import type { IndeterminateReason } from '../domain/attempt.ts';
import type { CancelReason } from '../domain/task.ts';
import type { RecordedDecision } from './attempt-record.ts';
import type { Database } from './database.ts';

/** An attempt whose outcome cannot be known, for the person who decides about it (P29). */
export interface WaitingDecision {
  readonly taskId: string;
  readonly seq: number;
  readonly attemptId: string;
  readonly attemptNumber: number;
  readonly tenant: string;
  readonly pool: string;
  readonly sessionKey: string | null;
  readonly swarmId: string | null;
  readonly gatewayId: string;
  readonly holdsLane: boolean;
  readonly reason: IndeterminateReason;
  readonly evidence: unknown;
  readonly since: string;
  /** When it is discarded unless somebody decides; null: never by itself. */
  readonly expiresAt: string | null;
  readonly runIds: readonly string[];
  readonly recoveryRunIds: readonly string[];
  readonly cancelRequested: CancelReason | null;
  /** What was decided and is not carried out yet. */
  readonly decision: RecordedDecision | null;
}

/** In the order of acceptance; `after` is the seq of the last one of the page before. */
export function listDecisions(
  db: Database,
  options: {
    readonly tenant?: string;
    readonly gatewayId?: string;
    readonly after?: number;
    readonly limit: number;
  },
): Promise<WaitingDecision[]> {
  return db.call('list_decisions', options);
}

/** What waits about a task; null: nothing does. */
export function getDecision(db: Database, taskId: string): Promise<WaitingDecision | null> {
  return db.call('get_decision', { taskId });
}
