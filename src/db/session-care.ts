import type { AttemptState } from '../domain/attempt.ts';
import type { Database } from './database.ts';
import type { ReconcilePage } from './reconcile-queries.ts';

interface OfSession {
  readonly tenant: string;
  readonly key: string;
}
export type CareResult = { readonly kind: 'ok' } | { readonly kind: 'not-found' };

/**
 * Sets a session apart: what runs goes on, its next task becomes `blocked`, the others wait behind that, and more work
 * is accepted and held. Repeating it changes nothing.
 */
export function quarantineSession(
  db: Database,
  options: OfSession & { readonly reason: string; readonly actor: string },
): Promise<CareResult> {
  return db.call('quarantine_session', options);
}

/** Ends a quarantine and counts its dead letters anew; a session without one stays as it is. */
export function releaseSession(
  db: Database,
  options: OfSession & { readonly reason?: string; readonly actor: string },
): Promise<CareResult> {
  return db.call('release_session', options);
}

export type MigrateResult =
  | CareResult
  /** Something of it may still run where it is. */
  | {
      readonly kind: 'busy';
      readonly attemptId: string;
      readonly taskId: string;
      readonly gatewayId: string;
      readonly state: AttemptState;
    }
  /** It cannot live on the gateway that was named; `problem` is half a sentence. */
  | { readonly kind: 'impossible'; readonly problem: string };

/**
 * Moves a session (R3): to a named gateway, or to whichever claims its next task. What was said there so far stays
 * behind. Refused while an attempt of it is open.
 */
export function migrateSession(
  db: Database,
  options: OfSession & {
    readonly gatewayId?: string;
    readonly reason: string;
    readonly actor: string;
  },
): Promise<MigrateResult> {
  return db.call('migrate_session', options);
}

export interface StrandedSession extends OfSession {
  readonly sessionId: number;
  readonly gatewayId: string;
}

/** Sessions whose gateway has failed for longer than the policy allows, by id. */
export function strandedSessions(
  db: Database,
  page: Omit<ReconcilePage, 'olderThanSeconds'>,
): Promise<StrandedSession[]> {
  return db.call('stranded_sessions', page);
}

/** Moves one of them; false: it is not stranded any more. */
export async function migrateStrandedSession(
  db: Database,
  session: { readonly sessionId: number; readonly gatewayId: string },
): Promise<boolean> {
  return (await db.call<{ migrated: boolean }>('migrate_stranded_session', session)).migrated;
}
