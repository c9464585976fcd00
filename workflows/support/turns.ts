/** Runs asynchronous steps one after another, in the order in which they were asked for. */
export interface Turns {
  take<T>(step: () => Promise<T>): Promise<T>;
  /** True when no step runs or waits. */
  idle(): boolean;
}

/** A failed step rejects for whoever asked for it and does not stop the next one. */
export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let open = 0;
  return {
    async take(step) {
      open += 1;
      const mine = last.then(step, step);
      last = mine.catch(() => undefined);
      try {
        return await mine;
      } finally {
        open -= 1;
      }
    },
    idle: () => open === 0,
  };
}
