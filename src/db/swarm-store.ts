import { sql } from 'kysely';
import type { ApprovalGate } from '../domain/approval.ts';
import { swarmWorkflowId, taskWorkflowId } from '../domain/names.ts';
import type { Budget } from '../domain/budget.ts';
import type { Misplaced } from '../domain/placement.ts';
import type { Requirements } from '../domain/requirements.ts';
import type { Priority, TaskFailure, TaskState } from '../domain/task.ts';
import type { BoundReached, Idempotency } from './accept.ts';
import type { BudgetRecord } from './budget-store.ts';
import type { Database } from './database.ts';
import type { TaskSummary } from './task-record.ts';

export type SwarmState = 'running' | 'paused' | 'completed' | 'failed' | 'cancelled';
/** approval: a step without a task, which a person completes. */
export type SwarmNodeKind = 'task' | 'approval';
export type SwarmNodeState = 'waiting' | 'admitted' | 'completed' | 'failed' | 'skipped';

export interface SwarmRecord {
  readonly id: string;
  readonly seq: number;
  readonly tenant: string;
  readonly name: string;
  readonly state: SwarmState;
  readonly stateReason: string | null;
  readonly onFailure: 'fail-fast' | 'continue';
  readonly maxParallel: number;
  readonly cancelRequested: boolean;
  readonly dirty: boolean;
  readonly scheduleId: string | null;
  readonly nodeCounts: Readonly<Record<SwarmNodeState, number>>;
  readonly workflowId: string;
  readonly correlationId: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  /** What its tasks together may spend, and have; null: it brought none. */
  readonly budget: BudgetRecord | null;
}

/** A node of the expanded graph, as it is stored: `template` is whatever the planner and the admission need. */
export interface NewSwarmNode {
  readonly nodeId: string;
  readonly dependsOn: readonly string[];
  /** Default: task. */
  readonly kind?: SwarmNodeKind;
  /** The pool that its task will ask for, or what it requires of one: checked at accept; neither: it has no task. */
  readonly pool: string | null;
  readonly requirements?: Requirements | null;
  readonly template: unknown;
}

export interface NewSwarm {
  /** Of `newId('swarm')`. */
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  /** As it was written. */
  readonly spec: unknown;
  readonly onFailure: 'fail-fast' | 'continue';
  readonly maxParallel: number;
  readonly nodes: readonly NewSwarmNode[];
  /** What its tasks together may spend; absent: nothing of its own. */
  readonly budget?: Budget | null;
  readonly correlationId: string;
  readonly idempotency: Idempotency | null;
  readonly actor: string | null;
  /** The schedule that it was admitted for. */
  readonly scheduleId?: string;
}

export type AcceptSwarmResult =
  | { readonly kind: 'accepted'; readonly swarm: SwarmRecord }
  | { readonly kind: 'existing'; readonly swarm: SwarmRecord }
  | { readonly kind: 'conflict'; readonly swarmId: string }
  | BoundReached
  | Misplaced;

/**
 * Accepts a swarm with its expanded nodes (P31). Its tasks are admitted later, by its workflow, and counted against
 * the bound on open tasks then; a swarm is refused while that bound is reached.
 */
export function acceptSwarm(db: Database, swarm: NewSwarm): Promise<AcceptSwarmResult> {
  return db.call('accept_swarm', { ...swarm, workflowId: swarmWorkflowId(swarm.id) });
}

/** The task of a node, its prompt resolved. Tenant, swarm and correlation are the swarm's. */
export interface NodeAdmission {
  readonly swarmId: string;
  readonly nodeId: string;
  /** Of `newId('task')`; unused when the node has its task already. */
  readonly taskId: string;
  readonly pool: string | null;
  readonly requirements?: Requirements | null;
  readonly sessionKey: string | null;
  readonly agent: string;
  readonly prompt: string;
  readonly priority: Priority;
  readonly runLimitSeconds: number;
  readonly maxAttempts: number;
  readonly idempotent: boolean;
  /** Needs a person's word first; null or absent: it does not. */
  readonly approval?: ApprovalGate | null;
}

export type AdmitResult =
  | { readonly kind: 'accepted'; readonly task: TaskSummary }
  | { readonly kind: 'existing'; readonly task: TaskSummary }
  /** The swarm is paused, being cancelled, or has ended; or the node is settled without a task. */
  | {
      readonly kind: 'not-admitting';
      readonly swarmState: SwarmState;
      readonly nodeState: SwarmNodeState;
    }
  | BoundReached
  | Misplaced
  | { readonly kind: 'not-found' };

/** Admits a node by the same path as the API's accept; idempotent by node. */
export function admitSwarmNode(db: Database, node: NodeAdmission): Promise<AdmitResult> {
  return db.call('admit_swarm_node', {
    ...node,
    id: node.taskId,
    workflowId: taskWorkflowId(node.taskId),
  });
}

/** A node as the planner sees it. */
export interface SwarmNodeRecord {
  readonly nodeId: string;
  readonly ordinal: number;
  readonly kind: SwarmNodeKind;
  readonly dependsOn: readonly string[];
  readonly state: SwarmNodeState;
  readonly reason: string | null;
  readonly taskId: string | null;
  /** Of an approval step that was reached. */
  readonly approvalId: string | null;
  readonly taskState: TaskState | null;
  readonly taskFailure: TaskFailure | null;
}

export interface SwarmNews {
  readonly swarm: SwarmRecord;
  readonly nodes: readonly SwarmNodeRecord[];
}

/**
 * Clears the swarm's flag, then reads everything about it (P31): whatever settles after this sets the flag again.
 * null: no such swarm.
 */
export function takeNews(db: Database, swarmId: string): Promise<SwarmNews | null> {
  return db.call('take_swarm_news', { swarmId });
}

/** The swarm with its nodes, flag untouched; null: no such swarm. */
export function getSwarm(db: Database, swarmId: string): Promise<SwarmNews | null> {
  return db.call('get_swarm', { swarmId });
}

export type SwarmWriteResult =
  | { readonly kind: 'ok'; readonly swarm: SwarmRecord }
  /** It has ended: what stands. */
  | { readonly kind: 'ended'; readonly swarm: SwarmRecord }
  | { readonly kind: 'not-found' };

/** running ⇄ paused; its tasks are held and released by `holdSwarmTasks` and `releaseSwarmTasks`. */
export function setSwarmState(
  db: Database,
  options: {
    readonly swarmId: string;
    readonly state: 'running' | 'paused';
    readonly actor: string;
  },
): Promise<SwarmWriteResult> {
  return db.call('set_swarm_state', options);
}

/** Changes how many tasks it may have open at once. */
export function setSwarmMaxParallel(
  db: Database,
  options: { readonly swarmId: string; readonly maxParallel: number; readonly actor: string },
): Promise<SwarmWriteResult> {
  return db.call('set_swarm_max_parallel', options);
}

/** Writes the wish to cancel: no node is admitted after this. Its open tasks are cancelled by its workflow. */
export function requestSwarmCancel(
  db: Database,
  options: { readonly swarmId: string; readonly actor: string },
): Promise<SwarmWriteResult> {
  return db.call('request_swarm_cancel', options);
}

/** Ends a swarm; nodes that wait become `skipped`. The first end wins. */
export function finishSwarm(
  db: Database,
  options: {
    readonly swarmId: string;
    readonly state: 'completed' | 'failed' | 'cancelled';
    readonly reason: string | null;
  },
): Promise<SwarmWriteResult> {
  return db.call('finish_swarm', options);
}

/** Ids of the swarm's tasks that have not ended and that nobody has asked to end yet: what a cancel is still for. */
export async function openSwarmTasks(db: Database, swarmId: string): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    'select id from dash.tasks where swarm_id = $1 and open and cancel_requested is null order by seq',
    [swarmId],
  );
  return rows.map((row) => row.id);
}

/** Holds what the paused swarm has waiting (queued, waiting, scheduled); answers how many. Each by itself (P3). */
export function holdSwarmTasks(db: Database, swarmId: string): Promise<number> {
  return moveEach(db, swarmId, 'hold_task', ['queued', 'waiting', 'scheduled']);
}

/** Gives back what was held for the pause alone, to where each belongs now; answers how many. */
export function releaseSwarmTasks(db: Database, swarmId: string): Promise<number> {
  return moveEach(db, swarmId, 'unhold_task', ['held']);
}

async function moveEach(
  db: Database,
  swarmId: string,
  move: string,
  states: readonly string[],
): Promise<number> {
  const rows = await db.kysely
    .selectFrom('tasks')
    .select('id')
    .where('swarm_id', '=', swarmId)
    .where('state', 'in', states)
    .where(sql<boolean>`state_reason is distinct from 'approval'`)
    .orderBy('seq')
    .execute();
  let moved = 0;
  for (const { id } of rows) {
    const answer = await db.call<{ moved: boolean }>(move, { taskId: id });
    if (answer.moved) moved += 1;
  }
  return moved;
}

/** Newest first; `before` is the seq of the last one of the page before. */
export function listSwarms(
  db: Database,
  options: {
    readonly states?: readonly SwarmState[];
    readonly tenant?: string;
    readonly before?: number;
    readonly limit: number;
  },
): Promise<SwarmRecord[]> {
  return db.call('list_swarms', options);
}
