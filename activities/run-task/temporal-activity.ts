import { Context } from '@temporalio/activity';
import type { WaitingActivity } from './ports.ts';

/** The running Temporal activity. Whatever the reason of its cancellation, the run is not touched (P26). */
export function temporalActivity(): WaitingActivity {
  const context = Context.current();
  return {
    heartbeat: (waitsFor) => context.heartbeat(waitsFor ?? undefined),
    lost: context.cancellationSignal,
  };
}
