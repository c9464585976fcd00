import type { Database } from './database.ts';

/** What happens by itself to work that did not end well; null turns a rule off. */
export interface OutcomePolicy {
  /** Dead letters in a row that set a session apart. */
  readonly quarantineAfter: number | null;
  /** After so long an outcome that nobody has decided about is discarded. */
  readonly decisionExpiryHours: number | null;
  /** After so long sessions of a failed gateway move; null: they are held. */
  readonly migrateSessionsAfterHours: number | null;
}

export function readOutcomePolicy(db: Database): Promise<OutcomePolicy> {
  return db.call('read_outcome_policy', {});
}

/** Changes what is named, with an event that says who; answers what holds from now on. */
export function setOutcomePolicy(
  db: Database,
  options: { readonly change: Partial<OutcomePolicy>; readonly actor: string },
): Promise<OutcomePolicy> {
  return db.call('set_outcome_policy', options);
}
