import type { Clock } from '../../../src/platform/clock.ts';

/** Far more than any scenario needs: a loop that waits for nothing shows as this. */
const MOST_EVENTS = 60_000;

/**
 * Simulated time and chance. Everything that happens between two processes is an event with a time; one event runs at
 * a time, and whatever it sets off in promises has come to rest before the next one. The same seed gives the same run.
 */
export class World {
  timeMs = 0;
  events = 0;
  readonly violations: string[] = [];
  readonly log: string[] = [];
  readonly #heap: Event[] = [];
  #sequence = 0;
  #random: number;

  constructor(seed: number) {
    this.#random = seed >>> 0 || 1;
  }

  /** Runs `act` after `delayMs`; with a process only while it lives, and not while it is frozen. */
  at(delayMs: number, act: () => void, process?: SimProcess): void {
    const event = { atMs: this.timeMs + delayMs, sequence: this.#sequence, act, process };
    this.#sequence += 1;
    push(this.#heap, event);
  }

  async runUntil(done: () => boolean, horizonMs: number): Promise<void> {
    while (this.timeMs < horizonMs && this.violations.length === 0) {
      const event = pop(this.#heap);
      if (event === undefined) return;
      this.timeMs = Math.max(this.timeMs, event.atMs);
      if (event.process?.alive === false) continue;
      if (event.process?.frozen === true) {
        event.process.deferred.push(event.act);
        continue;
      }
      this.events += 1;
      if (this.events > MOST_EVENTS) return this.violated('the world never comes to rest');
      event.act();
      await new Promise((resolve) => setImmediate(resolve));
      if (done()) return;
    }
  }

  /** 0 ≤ x < 1, from the seed. */
  random(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let mixed = this.#random;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  between(lowMs: number, highMs: number): number {
    return lowMs + Math.floor(this.random() * (highMs - lowMs + 1));
  }

  violated(rule: string): void {
    this.violations.push(`${rule} [at ${this.timeMs} ms]`);
  }

  note(line: string): void {
    this.log.push(`${String(this.timeMs).padStart(8)} ${line}`);
  }
}

/** A process that can be killed, frozen and woken between any two of its steps. */
export class SimProcess {
  alive = true;
  frozen = false;
  deferred: (() => void)[] = [];
  readonly name: string;
  readonly #world: World;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    const deferred = this.deferred;
    this.deferred = [];
    for (const act of deferred) this.#world.at(0, act, this);
  }
}

/** The clock of one process: its timers die and freeze with it, time itself does not stop. */
export function simClock(world: World, process: SimProcess): Clock {
  return {
    now: () => 1_800_000_000_000 + world.timeMs,
    monotonic: () => world.timeMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const done = (): void => {
          signal?.removeEventListener('abort', done);
          resolve();
        };
        world.at(ms, done, process);
        signal?.addEventListener('abort', done, { once: true });
      }),
  };
}

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly act: () => void;
  readonly process: SimProcess | undefined;
}

function before(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.sequence < right.sequence);
}

function push(heap: Event[], event: Event): void {
  heap.push(event);
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at]!, heap[parent]!)) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  heap[0] = last;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    let least = at;
    if (left < heap.length && before(heap[left]!, heap[least]!)) least = left;
    if (right < heap.length && before(heap[right]!, heap[least]!)) least = right;
    if (least === at) return first;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
