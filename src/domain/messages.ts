import type { Decision } from './attempt.ts';
import type { ChainVerdict } from './dashboard-chain/link.ts';
import type { HealAction, HealTry, PlannedStep } from './dashboard-chain/plan.ts';
import type { WatchMemory } from './dashboard-chain/watch.ts';
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

/** As an update `heal`, for the hand at Temporal Web. */
export const CHAIN_SIGNALS = { recover: 'recover' } as const;
export const CHAIN_UPDATES = { verify: 'verify', heal: 'heal' } as const;

export interface ChainWorkflowInput {
  readonly gatewayId: string;
  /** What the run before knew. */
  readonly watch?: ChainWatch | null;
  readonly tries?: readonly HealTry[];
}

/** What the watch of a chain goes on from. */
export interface ChainWatch {
  /** Of the settings that it was watched with. */
  readonly revision: number;
  readonly memory: WatchMemory;
  /** After which time an idle socket from outside was cut when one was held last; null: it was not. */
  readonly cutAfterMs: number | null;
}

/** Why a watch returned: something is to be said of the chain that was not said before, or there is no chain. */
export type WatchEnd =
  | { readonly kind: 'changed'; readonly watch: ChainWatch; readonly verdict: ChainVerdict }
  | { readonly kind: 'removed' };

/** The answer to a verify: what one look has seen. */
export type VerifyResult =
  | { readonly kind: 'seen'; readonly atMs: number; readonly verdict: ChainVerdict }
  | { readonly kind: 'no-chain' }
  /** Nobody holds the gateway, so that nobody can look. */
  | { readonly kind: 'no-host' };

export interface HealOrder {
  readonly actor: string;
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

/** An action that was taken, and whether its link was well afterwards, and stayed so. */
export interface TakenAction extends Omit<HealTry, 'atMs' | 'healed'> {
  readonly action: HealAction;
  /** null: it takes longer than a heal, and the watch tells. */
  readonly healed: boolean | null;
  /** Why it could not be done; null: it was done. */
  readonly problem: string | null;
}

export type HealResult =
  | {
      readonly kind: 'done';
      readonly atMs: number;
      readonly verdict: ChainVerdict;
      readonly taken: readonly TakenAction[];
      /** What is left to be done, and by whom. */
      readonly plan: readonly PlannedStep[];
    }
  | Exclude<VerifyResult, { kind: 'seen' }>;
