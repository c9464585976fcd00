import type { AttemptOutcome } from '../domain/attempt.ts';
import type { RunSpending } from '../domain/budget.ts';
import type { RunFailure } from '../domain/failure.ts';
import type { TaskEnd, TaskState, TerminalState } from '../domain/task.ts';
import type { Database } from './database.ts';

export interface SettleOptions {
  readonly taskId: string;
  /** The attempt on which this end rests. Without one the task must have no open attempt. */
  readonly attemptId?: string;
  /** Of the writer; an older one than the gateway's is refused (P25). */
  readonly ownerEpoch?: number;
  /** Closes the attempt with this outcome; needed while it is open. */
  readonly attemptOutcome?: AttemptOutcome;
  /** Why the attempt failed, when it did; the end's last failure otherwise. */
  readonly attemptFailure?: RunFailure;
  /** What the gateway shows of its runs: entered in the ledger once (P15). */
  readonly runs?: readonly RunSpending[];
  readonly end: TaskEnd;
  readonly actor?: string;
}

/** This call ended the task. */
export interface Settled {
  readonly kind: 'settled';
  readonly state: TerminalState;
  readonly end: TaskEnd;
  readonly swarmId: string | null;
  /** The swarm had no news before: signal its workflow (P31). */
  readonly swarmBecameDirty: boolean;
}

/** Something else stands: an earlier end, or a state that does not allow this one. */
export interface Stands {
  readonly kind: 'stands';
  readonly because: 'terminal' | 'superseded-owner' | 'not-current-attempt';
  readonly state: TaskState;
  /** The end that stands; null while the task is open. */
  readonly end: TaskEnd | null;
  readonly swarmId: string | null;
  /** The swarm has news that nobody has read: signalling again does no harm. */
  readonly swarmBecameDirty: boolean;
}

export type SettleResult = Settled | Stands;

/**
 * The one way into a terminal state (P6): closes the attempt, frees its lane, writes result and usage, takes the
 * task out of the counts, makes the session's next task claimable, marks the swarm, records the dead letter and the
 * events. The first caller wins; every later one is told what stands.
 */
export function settleTask(db: Database, options: SettleOptions): Promise<SettleResult> {
  return db.call('settle', options);
}
