import type { Database } from './database.ts';

export interface Promoted {
  /** Scheduled tasks that became claimable (or wait behind others of their session). */
  readonly promoted: number;
  readonly expired: number;
  /** Approvals whose time was over: decided by their policy, or escalated. */
  readonly approvals: number;
  /** Queued tasks that were raised by one level, because they waited so long. */
  readonly aged: number;
  /** Swarms that got their first news: signal their workflows (P31). */
  readonly dirtySwarmIds: readonly string[];
  /** Workflows whose task expired during its back-off: signal them. */
  readonly workflowIds: readonly string[];
  /** Outcomes that nobody had decided about in time and that are discarded: signal their workflows (P29). */
  readonly decisions: readonly ExpiredDecision[];
  /** True when the limit was reached: call again. */
  readonly more: boolean;
}

export interface ExpiredDecision {
  readonly workflowId: string;
  readonly attemptId: string;
}

const DEFAULT_LIMIT = 500;
/** Tasks that are raised in one transaction: claims wait for it. */
const AGEING_BATCH = 100;

/**
 * Does what time demands of tasks without an open attempt (P8): scheduled ones that are due become claimable,
 * those past their queue-time limit or deadline expire, and so do approvals; outcomes that nobody decided about in time
 * are discarded; queued ones that waited for an ageing interval are raised by one level (R6). At most `limit` of either.
 * Tasks without a session are
 * promoted in one transaction, every other in its own, so that no transaction locks two sessions. Two callers at
 * once do no harm.
 */
export async function promoteDue(
  db: Database,
  options: { readonly limit?: number } = {},
): Promise<Promoted> {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const dirtySwarmIds = new Set<string>();
  const workflowIds = new Set<string>();
  const decisions: ExpiredDecision[] = [];
  let promoted = 0;
  let expired = 0;
  let approvals = 0;
  const done = (): number => promoted + expired + approvals;
  while (done() < limit) {
    const before = done();
    const step = await db.call<PromoteStep>('promote_due', { limit: limit - before });
    promoted += step.promoted;
    expired += step.expired;
    approvals += step.approvals ?? 0;
    if (step.dirtySwarmId !== null) dirtySwarmIds.add(step.dirtySwarmId);
    if (step.workflowId !== null) workflowIds.add(step.workflowId);
    if (step.decision !== undefined) decisions.push(step.decision);
    if (done() === before) break;
  }
  const aged = await ageQueued(db, limit);
  return {
    promoted,
    expired,
    approvals,
    aged,
    dirtySwarmIds: [...dirtySwarmIds],
    workflowIds: [...workflowIds],
    decisions,
    more: done() >= limit || aged >= limit,
  };
}

/** Those that have waited longest for their next level, in batches, at most `limit`. */
async function ageQueued(db: Database, limit: number): Promise<number> {
  let aged = 0;
  while (aged < limit) {
    const batch = Math.min(AGEING_BATCH, limit - aged);
    const step = await db.call<{ aged: number }>('age_queued', { limit: batch });
    aged += step.aged;
    if (step.aged < batch) break;
  }
  return aged;
}

interface PromoteStep {
  readonly promoted: number;
  readonly expired: number;
  readonly approvals?: number;
  readonly dirtySwarmId: string | null;
  readonly workflowId: string | null;
  readonly decision?: ExpiredDecision;
}

/**
 * When something is due next, ISO 8601 (in the past: now); null: nothing waits for a moment. Ageing has no moments of
 * its own: whoever promotes looks every half second anyway.
 */
export async function nextDueAt(db: Database): Promise<string | null> {
  const { dueAt } = await db.call<{ dueAt: string | null }>('next_due', {});
  return dueAt;
}
