import { startAttemptRun, type AttemptRun } from './attempt-run.ts';
import type { RunDeps } from './ports.ts';

/**
 * The runs that live in this host, one per attempt. A run belongs to the host, not to the Temporal activity that
 * waits for it: when Temporal starts the activity a second time beside the first (after an absence of its server, for
 * one), both wait for the same run, and when an activity goes away its run goes on (P21, P26).
 */
export interface RunRegistry {
  /** The living run of this attempt, or a new one; after `close` one that has detached already. */
  joinOrStart(ids: { readonly attemptId: string; readonly taskId: string }): AttemptRun;
  find(attemptId: string): AttemptRun | null;
  /** Somebody says that a row has news: of one task or attempt, or (null) of any. */
  nudge(id: string | null): void;
  /** Stops following; aborts nothing. Resolves when the last run has let go. */
  close(): Promise<void>;
}

export function createRunRegistry(deps: RunDeps, cancelPollMs: number): RunRegistry {
  const runs = new Map<string, AttemptRun>();
  const closing = new AbortController();
  const watching = watchCancels(deps, runs, cancelPollMs, closing.signal);

  function start(ids: { readonly attemptId: string; readonly taskId: string }): AttemptRun {
    if (closing.signal.aborted) return refused(ids);
    const run = startAttemptRun(deps, ids);
    runs.set(ids.attemptId, run);
    const forget = (): void => void runs.delete(ids.attemptId);
    run.end.then(forget, forget);
    return run;
  }

  return {
    joinOrStart: (ids) => runs.get(ids.attemptId) ?? start(ids),
    find: (attemptId) => runs.get(attemptId) ?? null,
    nudge(id) {
      for (const run of runs.values()) {
        if (id === null || id === run.attemptId || id === run.taskId) run.nudge();
      }
    },
    async close() {
      closing.abort();
      for (const run of runs.values()) run.stop();
      await Promise.allSettled([...runs.values()].map((run) => run.end));
      await watching;
    },
  };
}

/** A host that hands over begins nothing: the next owner carries the attempt on from its row (P34). */
function refused(ids: { readonly attemptId: string; readonly taskId: string }): AttemptRun {
  const end = Promise.resolve({ kind: 'detached', why: 'closing' } as const);
  return { ...ids, end, waitsFor: () => null, nudge: () => undefined, stop: () => undefined };
}

/**
 * The sure way to learn of a cancel (P28): NOTIFY only shortens the wait. One read for all runs of the host; while
 * PostgreSQL is away there is nothing to learn.
 */
async function watchCancels(
  deps: RunDeps,
  runs: ReadonlyMap<string, AttemptRun>,
  everyMs: number,
  closing: AbortSignal,
): Promise<void> {
  for (;;) {
    await deps.clock.sleep(everyMs, closing);
    if (closing.aborted) return;
    if (runs.size === 0) continue;
    try {
      const requests = await deps.rows.readCancelRequests([...runs.keys()]);
      for (const { attemptId } of requests) runs.get(attemptId)?.nudge();
    } catch (error) {
      deps.log.warn({ error: String(error) }, 'cancel requests could not be read');
    }
  }
}
