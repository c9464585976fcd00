import type { RunFailure, Usage } from './failure.ts';

/**
 * Task states (protocol.md "States"). Only `queued` may be claimed now: whatever cannot be claimed has
 * another state, never a filter in the claim.
 */
export const WAITING_STATES = [
  'held',
  'scheduled',
  'waiting',
  'blocked',
  'queued',
  'backoff',
] as const;
export const MOVING_STATES = ['dispatched', 'deciding'] as const;
export const TERMINAL_STATES = ['completed', 'cancelled', 'expired', 'dead'] as const;
export const TASK_STATES = [...WAITING_STATES, ...MOVING_STATES, ...TERMINAL_STATES] as const;

export type TaskState = (typeof TASK_STATES)[number];
export type TerminalState = (typeof TERMINAL_STATES)[number];

export function isTerminal(state: TaskState): state is TerminalState {
  return (TERMINAL_STATES as readonly string[]).includes(state);
}

/** Priority by name; 1 is the most urgent. Strict over everything a host can serve. */
export const PRIORITIES = { critical: 1, high: 2, normal: 3, low: 4, background: 5 } as const;
export type PriorityName = keyof typeof PRIORITIES;
export type Priority = (typeof PRIORITIES)[PriorityName];

export function priorityName(priority: number): PriorityName {
  for (const [name, value] of Object.entries(PRIORITIES)) {
    if (value === priority) return name as PriorityName;
  }
  throw new Error(`priority ${priority} is not between 1 (critical) and 5 (background)`);
}

/** Why a task is to end before its answer (P28); each settles in its own terminal state. */
export type CancelReason = 'cancelled' | 'expired' | 'budget';

/** What a person sees of a task that ended badly. */
export interface TaskFailure {
  readonly reason:
    'attempts' | 'permanent' | 'discarded' | 'budget' | 'cancelled' | 'rejected' | 'expired';
  readonly message: string;
  readonly lastFailure: RunFailure | null;
}

/** How a task ended: what every terminal transition writes, and what stands when two race (P6). */
export interface TaskEnd {
  readonly state: TerminalState;
  readonly output: string | null;
  readonly usage: Usage | null;
  readonly failure: TaskFailure | null;
}
