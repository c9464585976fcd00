import type { Amounts, Budget } from '../domain/budget.ts';
import type { Usage } from '../domain/failure.ts';
import type { Requirements } from '../domain/requirements.ts';
import type { CancelReason, Priority, TaskFailure, TaskState } from '../domain/task.ts';

/** A task without its texts, as lists and answers carry it. Times are ISO 8601 in UTC. */
export interface TaskSummary {
  readonly id: string;
  /** Place in the order of acceptance (P5). */
  readonly seq: number;
  readonly tenant: string;
  readonly pool: string;
  /** What was asked for instead of a pool; null: the pool was named. */
  readonly requirements: Requirements | null;
  readonly sessionKey: string | null;
  readonly agent: string;
  readonly priority: Priority;
  /** By bump or ageing; null: never raised. */
  readonly raisedPriority: Priority | null;
  /** After raises and inheritance in its session: the order of claims. */
  readonly effectivePriority: Priority;
  readonly state: TaskState;
  readonly stateReason: string | null;
  /** scheduled, backoff: when it may be claimed. */
  readonly dueAt: string | null;
  readonly queueExpiresAt: string | null;
  readonly deadlineAt: string | null;
  readonly runLimitSeconds: number;
  readonly maxAttempts: number;
  readonly idempotent: boolean;
  readonly pinnedGatewayId: string | null;
  readonly swarmId: string | null;
  readonly nodeId: string | null;
  readonly replayOf: string | null;
  /** Of a task that needs or needed one. */
  readonly approvalId: string | null;
  readonly scheduleId: string | null;
  readonly workflowId: string;
  readonly cancelRequested: CancelReason | null;
  /** Number of the last attempt; 0: none yet. */
  readonly lastAttempt: number;
  readonly correlationId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  /** What it was submitted with; null: nothing of its own. */
  readonly budget: Budget | null;
  /** Over all its attempts. */
  readonly spent: Amounts;
  /** blocked by a budget: its name. */
  readonly blockedOn: string | null;
}

/** A task with its texts. */
export interface TaskRecord extends TaskSummary {
  readonly prompt: string;
  readonly output: string | null;
  readonly usage: Usage | null;
  readonly failure: TaskFailure | null;
}
