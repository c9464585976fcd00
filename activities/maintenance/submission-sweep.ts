import { recordFinding } from '../../src/db/finding-store.ts';
import { endedSubmissions } from '../../src/db/submission-store.ts';
import { ageOf, batches, type MaintenanceDeps, type PagedSweep } from './sweep.ts';

/**
 * A submission that still waits although its work ended: it was told so before Temporal was put back to an older
 * copy, or nobody has got to it. It is told again; hearing it twice does no harm.
 */
export function submissionUnheard(deps: MaintenanceDeps): PagedSweep {
  const olderThanSeconds = ageOf(deps);
  return async () => {
    let found = 0;
    for await (const runs of batches(deps.temporal.runningSubmissions(olderThanSeconds))) {
      for (const { workflowId, runId, taskId, swarmId, endedAt } of await endedSubmissions(
        deps.db,
        { runs, olderThanSeconds },
      )) {
        await deps.temporal.messages.signalSubmissionEnded({ workflowId, runId });
        found += 1;
        await recordFinding(deps.db, {
          kind: 'submission-unheard',
          subject: workflowId,
          detail: { runId, taskId, swarmId, endedAt },
          repaired: true,
        });
      }
    }
    return { found, repaired: found, next: null };
  };
}
