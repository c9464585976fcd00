import type { Database } from './database.ts';

/** What a database that was put back holds open: the start of what people look at (P36). */
export interface RestoreReport {
  /** The event stream from now on: cursors of before are refused. */
  readonly stream: string;
  readonly openTasks: Readonly<Record<string, number>>;
  readonly openAttempts: number;
  readonly openSwarms: number;
}

/**
 * Declares that this database is a copy that was put back (P36): gives the event stream another name, and fences every
 * hold of before, so that no host acts on an epoch that this copy has not seen (P25). Repeating it does no harm.
 */
export function completeRestore(
  db: Database,
  options: { readonly actor: string },
): Promise<RestoreReport> {
  return db.call('complete_restore', options);
}
