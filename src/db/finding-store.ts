import type { Database } from './database.ts';

/** What reconcile found: listed for people, counted in metrics (P35). */

export interface Finding {
  readonly kind: string;
  /** The id of what was found. */
  readonly subject: string;
  /** Tells several disagreements about one subject apart. */
  readonly part?: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly repaired: boolean;
}

/** Writes a finding; one that was seen before and stands is seen once more instead. */
export function recordFinding(db: Database, finding: Finding): Promise<{ kind: 'ok' }> {
  return db.call('record_finding', finding);
}

export interface FindingRecord extends Omit<Finding, 'part'> {
  readonly id: number;
  /** How often it was seen. */
  readonly times: number;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

export interface FindingFilter {
  readonly kind?: string;
  readonly subject?: string;
  readonly repaired?: boolean;
  /** Not repaired, and seen within the last three minutes. */
  readonly standing?: boolean;
}

/** Newest first; `before` is the id of the last one of the page before. */
export function listFindings(
  db: Database,
  options: FindingFilter & { readonly before?: number; readonly limit: number },
): Promise<FindingRecord[]> {
  return db.call('list_findings', options);
}

/** How often disagreements were seen so far, by kind. */
export function findingCounts(
  db: Database,
): Promise<{ kind: string; repaired: boolean; count: number }[]> {
  return db.call('finding_counts', {});
}
