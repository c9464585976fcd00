import type { RunEvent, Unsubscribe } from './connection.ts';
import { asNumber, asRecord, asText } from './json-value.ts';

/**
 * Runs whose end is remembered after they ended, so that a follower that comes late does not wait for it: several
 * times what a gateway runs at once, and little memory at 50 gateways.
 */
const REMEMBERED_ENDS = 256;

/**
 * Hands the gateway's `agent` events to whoever asked for a run, and remembers which runs of this boot have ended.
 * Events are for watching and for waking a follower; they never decide an outcome.
 */
export class RunEvents {
  readonly #listeners = new Map<string, Set<(event: RunEvent) => void>>();
  readonly #ended = new Map<string, number>();
  readonly #moveListeners = new Set<() => void>();

  on(runId: string, listener: (event: RunEvent) => void): Unsubscribe {
    const listeners = this.#listeners.get(runId) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(runId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(runId) === listeners)
        this.#listeners.delete(runId);
    };
  }

  /** Of any run: it began, asked its model, or ended. */
  onMove(listener: () => void): Unsubscribe {
    this.#moveListeners.add(listener);
    return () => this.#moveListeners.delete(listener);
  }

  /** Takes the payload of an `agent` event; what it cannot read it drops. */
  receive(payload: unknown): void {
    const record = asRecord(payload);
    const runId = asText(record['runId']);
    const event = readRunEvent(record['stream'], record['data']);
    if (runId === null || event === null) return;
    if (event.kind === 'ended') this.noteEnd(runId);
    if (event.kind === 'started') this.#ended.delete(runId);
    for (const listener of [...(this.#listeners.get(runId) ?? [])]) listener(event);
    if (event.kind === 'text' || event.kind === 'usage') return;
    for (const listener of [...this.#moveListeners]) listener();
  }

  /** The run is over, by an event or by the gateway's answer to a question. */
  noteEnd(runId: string): void {
    this.#ended.set(runId, 0);
    if (this.#ended.size <= REMEMBERED_ENDS) return;
    const oldest = this.#ended.keys().next();
    if (oldest.done !== true) this.#ended.delete(oldest.value);
  }

  /**
   * How often the end of this run has been asked for since it was seen; null while no end was seen. Counting
   * paces a follower whose looks lag behind the event.
   */
  takeEnd(runId: string): number | null {
    const asked = this.#ended.get(runId);
    if (asked === undefined) return null;
    this.#ended.set(runId, asked + 1);
    return asked;
  }

  /** Another boot: run ids of the earlier one mean nothing to it. */
  forgetEnds(): void {
    this.#ended.clear();
  }
}

/** Reads one event of a run; null for streams and phases that nobody follows. */
export function readRunEvent(stream: unknown, data: unknown): RunEvent | null {
  const record = asRecord(data);
  switch (stream) {
    case 'assistant':
      return {
        kind: 'text',
        text: asText(record['text']) ?? '',
        delta: asText(record['delta']) ?? '',
      };
    case 'usage':
      return { kind: 'usage', outputTokens: asNumber(record['outputTokens']) ?? 0 };
    case 'lifecycle':
      return readLifecycle(record);
    default:
      return null;
  }
}

function readLifecycle(record: Readonly<Record<string, unknown>>): RunEvent | null {
  switch (record['phase']) {
    case 'start':
      return { kind: 'started' };
    case 'model': {
      const provider = asText(record['provider']);
      const model = asText(record['model']);
      return provider === null || model === null ? null : { kind: 'model', provider, model };
    }
    case 'end':
      return { kind: 'ended', failed: record['aborted'] === true, message: null };
    case 'error':
      return { kind: 'ended', failed: true, message: asText(record['error']) };
    default:
      return null;
  }
}
