import type { CancelReason, Priority } from '../domain/task.ts';
import type { Database } from './database.ts';

/** What a host offers: one of its gateways, with the lanes that it would fill now. */
export interface OfferedGateway {
  readonly gatewayId: string;
  readonly ownerEpoch: number;
  /** At most so many claims for it; the claim itself counts what is really free. */
  readonly lanes: number;
  /** Of the router: among gateways that fit, the greatest wins. */
  readonly score: number;
  /** What the score loses with each run there, held or foreign, as the claim counts them; absent: nothing. */
  readonly perRun?: number;
  /** Shares of the spend (R57): what the score loses per unit that the account is ahead; absent: nothing. */
  readonly perSpend?: number;
  /** What each claim adds to the account, and how far an account may lag; with `perSpend`. */
  readonly charge?: number;
  readonly credit?: number;
  /** Machine-readable, stored with the attempt (P12). */
  readonly reasons: readonly string[];
}

/** A dispatched task: all that a host needs to start its workflow. */
export interface Claim {
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
}

export interface ClaimOptions {
  readonly hostId: string;
  readonly gateways: readonly OfferedGateway[];
  readonly max: number;
}

/**
 * Takes the best tasks for a host's free lanes and inserts their attempts as `planned`, in one transaction that is
 * serialised with every other claim (P9–P14). Answers fewer than `max`, or none, when lanes, caps, pause, ownership
 * or the queue say so.
 */
export function claimTasks(db: Database, options: ClaimOptions): Promise<{ claims: Claim[] }> {
  return db.call('claim', options);
}
