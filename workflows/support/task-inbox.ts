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
  /** It is acted on now, whoever told of it: its delivery is no news any more. */
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
  return new ArrivedSignals();
}

class ArrivedSignals implements TaskInbox {
  readonly #known = new Set<string>();
  readonly #reappeared = new Set<string>();
  #dispatches: readonly DispatchedSignal[] = [];
  #decisions: readonly DecideSignal[] = [];
  #nudged = false;
  #nudgeListener: (() => void) | null = null;

  dispatched(signal: DispatchedSignal): void {
    if (this.#known.has(signal.attemptId)) {
      this.#reappeared.add(signal.attemptId);
      return;
    }
    this.#known.add(signal.attemptId);
    this.#dispatches = [...this.#dispatches, signal];
  }

  decided(signal: DecideSignal): void {
    this.#decisions = [...this.#decisions, signal];
  }

  nudge(): void {
    this.#nudged = true;
    this.#nudgeListener?.();
    this.#nudgeListener = null;
  }

  onNudge(listener: () => void): () => void {
    if (this.#nudged) listener();
    else this.#nudgeListener = listener;
    return () => {
      this.#nudgeListener = null;
    };
  }

  heardOf(attemptId: string): void {
    this.#known.add(attemptId);
    this.#reappeared.delete(attemptId);
    this.#dispatches = this.#dispatches.filter((signal) => signal.attemptId !== attemptId);
  }

  isEmpty(): boolean {
    return this.#dispatches.length === 0 && !this.#nudged;
  }

  hasNewsOf(attemptId: string): boolean {
    return (
      this.#nudged ||
      this.#reappeared.has(attemptId) ||
      this.#decisions.some((decision) => decision.attemptId === attemptId)
    );
  }

  takeDispatch(): DispatchedSignal | null {
    const [first, ...rest] = this.#dispatches;
    this.#dispatches = rest;
    return first ?? null;
  }

  takeReappearance(attemptId: string): boolean {
    return this.#reappeared.delete(attemptId);
  }

  takeDecision(attemptId: string): DecideSignal | null {
    const taken = this.#decisions.find((decision) => decision.attemptId === attemptId) ?? null;
    this.#decisions = this.#decisions.filter((decision) => decision !== taken);
    return taken;
  }

  clearNudge(): void {
    this.#nudged = false;
  }

  clear(attemptId: string): void {
    this.#nudged = false;
    this.#reappeared.delete(attemptId);
    this.#decisions = this.#decisions.filter((decision) => decision.attemptId !== attemptId);
  }
}
