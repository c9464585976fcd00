/**
 * Named places between two steps that another process may get between. In production reaching one does nothing and
 * costs nothing; a test holds a caller there for as long as it likes, which turns a race into a deterministic test.
 */
export interface RacePoints {
  /** Answers nothing in production, so that a caller that must stay in the same tick can tell. */
  reach(name: string, detail?: RaceDetail): void | Promise<void>;
}

export interface RaceDetail {
  readonly attemptId?: string;
  readonly gatewayId?: string;
}

/** No place is held: what production uses. */
export function noRacePoints(): RacePoints {
  return { reach: () => undefined };
}

/** One caller that a test holds at a race point. */
export interface HeldCaller {
  readonly name: string;
  readonly detail: RaceDetail;
  /** Lets it go on. */
  resume(): void;
}

export interface HoldablePoints extends RacePoints {
  /**
   * Holds the next caller that reaches `name` (and matches `detail`, where given), and resolves with it when it is
   * there. Only one caller is held per call.
   */
  hold(name: string, detail?: RaceDetail): Promise<HeldCaller>;
}

interface Trap {
  readonly name: string;
  readonly detail: RaceDetail;
  readonly caught: (caller: HeldCaller) => void;
}

/** Race points that a test can hold. */
export function createRacePoints(): HoldablePoints {
  const traps: Trap[] = [];
  return {
    reach(name, detail = {}) {
      const index = traps.findIndex((trap) => trap.name === name && matches(trap.detail, detail));
      const trap = traps.splice(index, index < 0 ? 0 : 1)[0];
      if (trap === undefined) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      trap.caught({ name, detail, resume: resolve });
      return promise;
    },
    hold(name, detail = {}) {
      const { promise, resolve } = Promise.withResolvers<HeldCaller>();
      traps.push({ name, detail, caught: resolve });
      return promise;
    },
  };
}

function matches(wanted: RaceDetail, met: RaceDetail): boolean {
  return (
    (wanted.attemptId === undefined || wanted.attemptId === met.attemptId) &&
    (wanted.gatewayId === undefined || wanted.gatewayId === met.gatewayId)
  );
}
