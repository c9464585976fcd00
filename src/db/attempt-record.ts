import type {
  AttemptOutcome,
  AttemptState,
  Decision,
  IndeterminateReason,
} from '../domain/attempt.ts';
import type { AttemptBudget, Budget } from '../domain/budget.ts';
import type { RunFailure, Usage } from '../domain/failure.ts';
import type { GatewayKind, GatewayState } from '../domain/gateway.ts';
import type { CancelReason, Priority, TaskEnd, TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';

/** An attempt's own row. Times are ISO 8601 in UTC. */
export interface AttemptRow {
  readonly attemptId: string;
  readonly taskId: string;
  readonly number: number;
  readonly tenant: string;
  readonly gatewayId: string;
  /** The epoch of the host that claimed it. */
  readonly ownerEpoch: number;
  readonly state: AttemptState;
  readonly holdsLane: boolean;
  /** Own runs in the order of their sends; runs of the gateway's own recovery that were adopted. */
  readonly runIds: readonly string[];
  readonly recoveryRunIds: readonly string[];
  /** Where the last send went. */
  readonly bootId: string | null;
  readonly stateId: string | null;
  readonly outcome: AttemptOutcome | null;
  readonly failure: RunFailure | null;
  readonly indeterminateReason: IndeterminateReason | null;
  readonly evidence: unknown;
  /** What a person decided; null: nothing yet. */
  readonly decision: RecordedDecision | null;
  readonly usage: Usage | null;
  /** What it may spend; both null: it has no limit of its own (P15). */
  readonly limit: Budget;
  readonly route: unknown;
  /** Unexpected errors of `runTask` so far (P19). */
  readonly unexpected: number;
  readonly releaseReason: string | null;
  readonly plannedAt: string;
  readonly deliveredAt: string | null;
  readonly sendingAt: string | null;
  readonly acceptedAt: string | null;
  readonly indeterminateAt: string | null;
  readonly closedAt: string | null;
}

export interface RecordedDecision {
  readonly decision: Decision;
  readonly actor: string;
  readonly at: string;
}

/** An attempt with what `runTask` needs of its task and its gateway. */
export interface AttemptRecord extends AttemptRow {
  /** Since the first send by the database's clock, at the time of this read; null: nothing was sent. */
  readonly sendingForMs: number | null;
  readonly task: {
    readonly state: TaskState;
    /** What stands when the task has ended. */
    readonly end: TaskEnd | null;
    readonly seq: number;
    readonly prompt: string;
    readonly agent: string;
    readonly sessionKey: string | null;
    readonly priority: Priority;
    readonly swarmId: string | null;
    readonly workflowId: string;
    readonly correlationId: string;
    readonly idempotent: boolean;
    readonly cancelRequested: CancelReason | null;
    readonly cancelRequestedAt: string | null;
    readonly deadlineAt: string | null;
    /** Until the deadline by the database's clock, at the time of this read; negative: it has passed. */
    readonly deadlineInMs: number | null;
    readonly runLimitSeconds: number;
    readonly maxAttempts: number;
    /** Attempts that were not released, this one included. */
    readonly attemptsUsed: number;
    readonly createdAt: string;
  };
  /** What its host watches while it runs; null: nothing limits it. */
  readonly budget: AttemptBudget | null;
  readonly gateway: {
    readonly kind: GatewayKind;
    readonly endpoint: string;
    readonly state: GatewayState;
    readonly ownerHost: string | null;
    readonly ownerEpoch: number;
    readonly bootId: string | null;
    readonly stateId: string | null;
  };
}

/** Everything about one attempt in one read; null: there is none with this id. */
export function readAttempt(db: Database, attemptId: string): Promise<AttemptRecord | null> {
  return db.call('read_attempt', { attemptId });
}

/** The attempts of a task in their order. */
export function taskAttempts(db: Database, taskId: string): Promise<AttemptRow[]> {
  return db.call('task_attempts', { taskId });
}

/** A `planned` attempt, with what its delivery needs (P17). */
export interface PlannedAttempt {
  readonly attemptId: string;
  readonly attemptNumber: number;
  readonly taskId: string;
  readonly workflowId: string;
  readonly gatewayId: string;
  readonly ownerEpoch: number;
  readonly tenant: string;
  readonly swarmId: string | null;
  readonly correlationId: string;
  readonly runLimitSeconds: number;
  readonly priority: Priority;
  readonly cancelRequested: CancelReason | null;
  readonly acceptedAt: string;
  /** Since the claim, by the database's clock. */
  readonly plannedForMs: number;
  /** When Temporal acknowledged its delivery; null: not yet. */
  readonly deliveredAt: string | null;
}

/** What the owner of these gateways is to deliver, oldest first (P17). */
export function plannedAttempts(
  db: Database,
  gatewayIds: readonly string[],
): Promise<PlannedAttempt[]> {
  return db.call('planned_attempts', { gatewayIds });
}

/** An open attempt as reconcile at a new hold compares it with the gateway's runs. */
export interface OpenAttempt extends AttemptRow {
  readonly workflowId: string;
  readonly taskState: TaskState;
  readonly agent: string;
  readonly sessionKey: string | null;
  readonly cancelRequested: CancelReason | null;
}

/** All open attempts of a gateway, oldest first. */
export function openAttempts(db: Database, gatewayId: string): Promise<OpenAttempt[]> {
  return db.call('open_attempts', { gatewayId });
}

/** A wish to end an open attempt's task early, as its host polls it (P28). */
export interface CancelRequest {
  readonly attemptId: string;
  readonly taskId: string;
  readonly reason: CancelReason;
}

/** Those of these attempts that are open and whose task is to end early, or whose budget is used up (P15). */
export function readCancelRequests(
  db: Database,
  attemptIds: readonly string[],
): Promise<CancelRequest[]> {
  return db.call('cancel_requests', { attemptIds });
}
