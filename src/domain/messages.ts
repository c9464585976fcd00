import type { Decision } from './attempt.ts';
import type { GatewayMessage, GatewayState } from './gateway.ts';

/**
 * The messages of every workflow: names and shapes, shared by the workflows that handle them and by those who
 * send them. Content is ids and decisions; rows hold the rest.
 */

export const TASK_SIGNALS = {
  /** A claim made a new attempt for this task, or an indeterminate one showed up again. */
  dispatched: 'dispatched',
  /** The row says cancel; this only hastens it (P28). */
  cancel: 'cancel',
  /** A person decided about an indeterminate attempt; the decision stands in its row (P29). */
  decide: 'decide',
} as const;

export interface DispatchedSignal {
  readonly attemptId: string;
  readonly gatewayId: string;
}

export interface DecideSignal {
  readonly attemptId: string;
  readonly decision: Decision;
  readonly actor: string;
}

export interface TaskWorkflowInput {
  readonly taskId: string;
  readonly attemptId: string;
  readonly gatewayId: string;
  /** Start-to-close of a run: the task's run limit. */
  readonly runLimitSeconds: number;
  /** A run whose host gives no sign for so long is taken up by the gateway's owner of then. */
  readonly runHeartbeatTimeoutMs: number;
  /** Set when the workflow goes on in a new run: the row says where the task stands. */
  readonly waiting?: boolean;
}

export const SWARM_SIGNALS = { news: 'news' } as const;
export const SWARM_UPDATES = {
  pause: 'pause',
  resume: 'resume',
  scale: 'scale',
  cancel: 'cancel',
} as const;

/** A replay or discard of many dead letters; its row has everything else. */
export interface BulkWorkflowInput {
  readonly bulkId: string;
}

export interface SwarmWorkflowInput {
  readonly swarmId: string;
}

/** The work has ended: no content, the row says how. */
export const SUBMISSION_SIGNALS = { ended: 'ended' } as const;

/** Updates of `gatewayWorkflow` are named like the messages; `recover` and `drain` exist as signals too. */
export interface GatewayCommand {
  readonly actor: string;
  readonly reason: string;
}

/** The answer to a gateway update: the wish is recorded, or why the present state does not accept it. */
export type GatewayCommandResult =
  | { readonly kind: 'recorded'; readonly state: GatewayState }
  | {
      readonly kind: 'refused';
      readonly state: GatewayState;
      readonly accepts: readonly GatewayMessage[];
      readonly detail: string;
    };

export interface GatewayWorkflowInput {
  readonly gatewayId: string;
  /** Recorded wishes that the run before had not yet carried out. */
  readonly orders?: readonly GatewayMessage[];
}
