import type { RunTaskResult } from '../../src/domain/run-result.ts';
import type { Wakeup } from '../../src/platform/wakeup.ts';
import { unseen, type RunState } from './run-state.ts';

/** How a run ends in this host: with a result, or because somebody else is to go on with it. */
export type RunEnd = RunTaskResult | Detached;

export interface Detached {
  readonly kind: 'detached';
  readonly why: 'superseded' | 'not-held' | 'closing';
}

/** What came of an action. */
export type Performed =
  | { readonly kind: 'next'; readonly state: RunState }
  /** The row has, or may have, changed under this run: read it before anything else. */
  | {
      readonly kind: 'reread';
      readonly former: RunState | null;
      /** The row refused what `former` says its state allows: it must say something else now. */
      readonly stood?: true;
    }
  | { readonly kind: 'ended'; readonly end: RunEnd };

export interface RunControl {
  readonly wakeup: Wakeup;
  readonly stopped: AbortSignal;
}

/** Waits for the time, or for news: then the row is read again, because it may hold them. */
export async function pause(
  state: RunState,
  forMs: number,
  { wakeup }: RunControl,
): Promise<Performed> {
  const stopWaking = state.gateway.connection.onState((now) => {
    if (now.kind === 'open') wakeup.nudge();
  });
  const woken = await wakeup.pause(forMs).finally(stopWaking);
  return woken === 'nudged'
    ? { kind: 'reread', former: state }
    : { kind: 'next', state: unseen(state) };
}
