import type { Amounts, Budget } from './budget.ts';
import type { AttemptState, IndeterminateReason } from './attempt.ts';
import type { GatewayFailure, GatewayKind, GatewayState } from './gateway.ts';
import type { CancelReason, Priority, TaskState } from './task.ts';

/**
 * What the rows say about why something stands where it stands: read by one SQL query per reason
 * (src/db/functions/why-*.sql), put into words by src/domain/why-*.ts.
 */

/** A moment, and how long ago it was by the database's clock (negative: it is to come). */
export interface Moment {
  readonly at: string;
  readonly agoMs: number;
}

export interface TaskFacts {
  readonly task: {
    readonly id: string;
    readonly tenant: string;
    readonly pool: string;
    readonly sessionKey: string | null;
    readonly state: TaskState;
    readonly stateReason: string | null;
    readonly priority: Priority;
    readonly effectivePriority: Priority;
    readonly swarmId: string | null;
    /** Of its last change. */
    readonly since: Moment;
    readonly accepted: Moment;
    readonly due: Moment | null;
    readonly queueExpires: Moment | null;
    readonly deadline: Moment | null;
    readonly runLimitSeconds: number;
    readonly maxAttempts: number;
    readonly attemptsUsed: number;
    readonly cancelRequested: CancelReason | null;
    readonly cancelRequestedAt: Moment | null;
    readonly finished: Moment | null;
    readonly failureMessage: string | null;
  };
  /** Held: the swarm that it belongs to. */
  readonly swarm: {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly reason: string | null;
  } | null;
  /** Backing off, dispatched, deciding: its last attempt. */
  readonly attempt: AttemptFacts | null;
  /** Held for a person's word: what is asked, of whom. */
  readonly approval: {
    readonly id: string;
    readonly prompt: string | null;
    readonly approvers: readonly string[] | null;
    readonly requested: Moment;
    readonly expires: Moment | null;
  } | null;
  /** Blocked with its session, which was set apart. */
  readonly quarantine: {
    readonly since: Moment | null;
    readonly reason: string | null;
    readonly by: string | null;
  } | null;
  /** Blocked by a budget without room for it. */
  readonly budget: {
    /** `task`: its own. */
    readonly name: string;
    /** What is left of the limit of its own; null: it has none. */
    readonly wants: Budget;
    /** Null: a budget that is not of the task's tenant. */
    readonly figures: {
      readonly limit: Budget;
      readonly spent: Amounts;
      readonly reserved: Amounts;
    } | null;
    readonly periodEnds: Moment | null;
  } | null;
  /** Blocked: the open attempt in its way, if one still is. */
  readonly conflict: {
    readonly attemptId: string;
    readonly taskId: string;
    readonly gatewayId: string;
    readonly state: AttemptState;
  } | null;
  readonly queue: QueueFacts | null;
  readonly deadLetter: { readonly state: string; readonly replayTaskId: string | null } | null;
}

/** A task with the head of its session, when it waits behind that. */
export interface WaitingFacts extends TaskFacts {
  readonly inFront: {
    /** Tasks of the session before it, the head included; 1 001: more than 1 000. */
    readonly count: number;
    readonly head: TaskFacts;
  } | null;
}

export interface AttemptFacts {
  readonly id: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly runId: string | null;
  readonly planned: Moment;
  readonly delivered: Moment | null;
  readonly sending: Moment | null;
  readonly accepted: Moment | null;
  readonly indeterminate: Moment | null;
  readonly closed: Moment | null;
  /** When its run is over at the latest: its limit from its acceptance on, or the deadline. */
  readonly ends: Moment | null;
  readonly outcome: string | null;
  readonly failure: { readonly class: string; readonly message: string } | null;
  readonly indeterminateReason: IndeterminateReason | null;
  readonly evidence: unknown;
  readonly decision: { readonly kind: string } | null;
  readonly decidedBy: string | null;
  readonly decided: Moment | null;
  readonly gateway: GatewayFacts;
}

export interface GatewayFacts {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly state: GatewayState;
  readonly since: Moment;
  readonly reason: string | null;
  readonly hint: string | null;
  readonly failure: GatewayFailure | null;
  readonly desiredState: string;
  readonly claimsOpen: boolean;
  readonly ownerHost: string | null;
  /** When its owner last wrote what it saw. */
  readonly lastSeen: Moment | null;
}

export interface LaneFacts {
  readonly capacity: number;
  readonly held: number;
  /** Runs there that are not of Dash. */
  readonly foreign: number;
  /** Lanes that its health leaves it; null: all. */
  readonly health: number | null;
}

/** What holds a lane, the longest first; at most ten. Of another tenant than the reader's: without its id. */
export type BusyWith = readonly {
  readonly taskId: string | null;
  readonly tenant: string | null;
  readonly since: Moment;
}[];

export interface PoolGatewayFacts extends GatewayFacts {
  readonly allowsTenant: boolean;
  readonly inPool: boolean;
  readonly lanes: LaneFacts;
  readonly busyWith: BusyWith;
}

export interface QueueFacts {
  readonly fleet: {
    readonly paused: boolean;
    readonly since: Moment | null;
    readonly by: string | null;
    readonly reason: string | null;
  };
  readonly rank: {
    /** Claimed before it, were every lane free for all; 1 001: more than 1 000. */
    readonly ahead: number;
    /** The same of tasks whose session lives on a gateway. */
    readonly pinnedAhead: number;
    /** All open tasks of the pool, from counters, when the rank is not exact. */
    readonly openInPool: number | null;
  };
  readonly caps: {
    readonly total: number | null;
    readonly tenant: number | null;
    readonly runningTotal: number;
    readonly runningTenant: number;
  };
  readonly pinnedTo: string | null;
  readonly gateways: readonly PoolGatewayFacts[];
}

/** A session with the facts of its first open task. */
export interface SessionFacts {
  readonly key: string;
  readonly tenant: string;
  readonly gatewayId: string | null;
  /** Open tasks behind the first; 1 001: more than 1 000. */
  readonly waiting: number;
  readonly head: TaskFacts | null;
}

export interface GatewayWhyFacts {
  readonly gateway: GatewayFacts;
  readonly lanes: LaneFacts;
  readonly busyWith: BusyWith;
  /** Queued tasks that only this gateway may take; 1 001: more than 1 000. */
  readonly pinnedTasks: number;
  readonly sessions: number;
}

export interface SwarmFacts {
  readonly swarm: {
    readonly id: string;
    readonly name: string;
    readonly tenant: string;
    readonly state: string;
    readonly stateReason: string | null;
    readonly maxParallel: number;
    readonly cancelRequested: boolean;
    readonly dirty: boolean;
    readonly dirtySince: Moment;
    readonly finished: Moment | null;
  };
  /** Nodes whose task is open, in their order; at most twenty of each state. */
  readonly open: readonly {
    readonly nodeId: string;
    readonly taskId: string;
    readonly state: TaskState;
    readonly since: Moment;
  }[];
  readonly openByState: Readonly<Partial<Record<TaskState, number>>>;
  /** Steps that wait for a person's word. */
  readonly approvals: readonly {
    readonly nodeId: string;
    readonly approvalId: string;
    readonly since: Moment;
  }[];
  /** Nodes that wait for others, the first twenty, and which of those are not done. */
  readonly waiting: readonly { readonly nodeId: string; readonly waitsFor: readonly string[] }[];
  readonly waitingCount: number;
  /** Nodes that wait for nothing and are not admitted. */
  readonly ready: number;
}
