import { taskWorkflowId } from '../domain/names.ts';
import type { ApprovalGate } from '../domain/approval.ts';
import type { Budget } from '../domain/budget.ts';
import type { Misplaced } from '../domain/placement.ts';
import type { Requirements } from '../domain/requirements.ts';
import type { Priority } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { TaskSummary } from './task-record.ts';

/** A parsed request for a task. Defaults were filled in by whoever parsed it. */
export interface NewTask {
  /** Of `newId('task')`; names everything that the task leaves elsewhere. */
  readonly id: string;
  readonly tenant: string;
  /** null: the least specific pool that meets the requirements. */
  readonly pool: string | null;
  readonly requirements?: Requirements | null;
  readonly sessionKey: string | null;
  readonly agent: string;
  readonly prompt: string;
  readonly priority: Priority;
  /** ISO 8601; in the past or null: at once. */
  readonly notBefore: string | null;
  /** Expires when its first attempt has not begun within this time. */
  readonly queueLimitSeconds: number | null;
  /** ISO 8601; expires then, running or not. */
  readonly deadlineAt: string | null;
  readonly runLimitSeconds: number;
  readonly maxAttempts: number;
  readonly idempotent: boolean;
  /** What all its attempts together may spend; absent: its pool's default, if there is one. */
  readonly budget?: Budget | null;
  readonly correlationId: string;
  readonly idempotency: Idempotency | null;
  /** Needs a person's word first; null or absent: it does not. */
  readonly approval?: ApprovalGate | null;
  /** Who asked, for the event; null: Dash itself. */
  readonly actor: string | null;
  /** The schedule that it was admitted for. */
  readonly scheduleId?: string;
}

export interface Idempotency {
  readonly key: string;
  /** Hash of the request's content: the same key with another hash is a conflict. */
  readonly requestHash: string;
}

/** A bound on open work, with its name and what it is at present. */
export interface BoundReached {
  readonly kind: 'refused';
  readonly bound: 'max-open-tasks' | 'max-open-tasks-per-tenant' | 'max-open-tasks-per-pool';
  readonly limit: number;
  readonly retryAfterSeconds: number;
}

export type AcceptResult =
  | { readonly kind: 'accepted'; readonly task: TaskSummary }
  | { readonly kind: 'existing'; readonly task: TaskSummary }
  | { readonly kind: 'conflict'; readonly taskId: string }
  | BoundReached
  | Misplaced;

/**
 * Accepts a task: idempotency, bounds, its place in its session, its event (P7), in one transaction that needs
 * PostgreSQL only. Afterwards the task is `held` (for its approval), `queued`, `waiting` (behind another of its session)
 * or `scheduled`.
 */
export function acceptTask(db: Database, task: NewTask): Promise<AcceptResult> {
  return db.call('accept', { ...task, workflowId: taskWorkflowId(task.id) });
}
