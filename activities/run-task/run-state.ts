import type { AttemptFacts, Memory, Observation } from '../../src/domain/attempt-protocol-types.ts';
import type { AttemptRecord } from '../../src/db/attempt-record.ts';
import type { HeldGateway } from './ports.ts';

/** What a run knows between two steps. Replaced as a whole, never changed. */
export interface RunState {
  /** The row as read last; `facts` are newer where this run has written since. */
  readonly row: AttemptRecord;
  readonly facts: AttemptFacts;
  readonly gateway: HeldGateway;
  /** The epoch under which row and looks were read: every write and every frame of this state carries it (P25). */
  readonly ownerEpoch: number;
  readonly sessionKey: string;
  readonly seen: Observation;
  readonly memory: Memory;
  /** How often in a row the run seemed over and was not: looks are spaced out then. */
  readonly quickEnds: number;
}

/** Something happened since the last look that makes it worthless. */
export function unseen(state: RunState): RunState {
  return { ...state, seen: { kind: 'unseen' } };
}

export function withFacts(state: RunState, change: Partial<AttemptFacts>): RunState {
  return { ...state, facts: { ...state.facts, ...change } };
}

export function withMemory(state: RunState, memory: Memory): RunState {
  return { ...state, memory };
}

/** What names a run in a log, from the request to the gateway's frame. */
export function about({ row }: RunState): {
  attemptId: string;
  taskId: string;
  gatewayId: string;
  correlationId: string;
} {
  const { attemptId, taskId, gatewayId, task } = row;
  return { attemptId, taskId, gatewayId, correlationId: task.correlationId };
}
