import type { DecideSignal, DispatchedSignal } from '../../src/domain/messages.ts';

/**
 * Everything that has arrived for a task and was not yet acted on. Remembers every attempt id it has heard of, also
 * one that overtakes the answer of a requeue (P20): a repeated delivery of an old attempt is not news.
 */
export interface TaskInbox {
  dispatched(signal: DispatchedSignal): void;
  decided(signal: DecideSignal): void;
  /** "Read the row": a cancel, or anything else whose content stands in PostgreSQL. */
  nudge(): void;
  /** Calls `listener` once at the next nudge, or at once when one is pending; answers the unsubscriber. */
  onNudge(listener: () => void): () => void;
  heardOf(attemptId: string): void;
  isEmpty(): boolean;
  hasNewsOf(attemptId: string): boolean;
  takeDispatch(): DispatchedSignal | null;
  /** An indeterminate attempt whose run was seen after all is delivered again under its own id. */
  takeReappearance(attemptId: string): boolean;
  takeDecision(attemptId: string): DecideSignal | null;
  clearNudge(): void;
  /** Forgets everything that has arrived about this attempt, and the nudge. */
  clear(attemptId: string): void;
}

export function createTaskInbox(): TaskInbox {
  const known = new Set<string>();
  const reappeared = new Set<string>();
  const dispatches: DispatchedSignal[] = [];
  const decisions: DecideSignal[] = [];
  let nudged = false;
  let nudgeListener: (() => void) | null = null;

  return {
    dispatched(signal) {
      if (known.has(signal.attemptId)) {
        reappeared.add(signal.attemptId);
        return;
      }
      known.add(signal.attemptId);
      dispatches.push(signal);
    },
    decided: (signal) => void decisions.push(signal),
    nudge() {
      nudged = true;
      nudgeListener?.();
      nudgeListener = null;
    },
    onNudge(listener) {
      if (nudged) listener();
      else nudgeListener = listener;
      return () => {
        nudgeListener = null;
      };
    },
    heardOf(attemptId) {
      known.add(attemptId);
      reappeared.delete(attemptId);
    },
    isEmpty: () => dispatches.length === 0 && !nudged,
    hasNewsOf: (attemptId) =>
      nudged || reappeared.has(attemptId) || decisions.some((d) => d.attemptId === attemptId),
    takeDispatch: () => dispatches.shift() ?? null,
    takeReappearance: (attemptId) => reappeared.delete(attemptId),
    takeDecision(attemptId) {
      const index = decisions.findIndex((d) => d.attemptId === attemptId);
      return index < 0 ? null : (decisions.splice(index, 1)[0] ?? null);
    },
    clearNudge() {
      nudged = false;
    },
    clear(attemptId) {
      nudged = false;
      reappeared.delete(attemptId);
      const others = decisions.filter((decision) => decision.attemptId !== attemptId);
      decisions.splice(0, decisions.length, ...others);
    },
  };
}
