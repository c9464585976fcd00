import { expect, test } from '@jest/globals';
import type { RunDeps } from '../../../activities/run-task/ports.ts';
import { createRunRegistry } from '../../../activities/run-task/run-registry.ts';
import { systemClock } from '../../../src/platform/clock.ts';

const IDS = { attemptId: 'attempt-1', taskId: 'task-1' };

/** Rows that count how often a run reads its own, and never answer. */
function countingDeps(): { readonly deps: RunDeps; readonly reads: () => number } {
  let reads = 0;
  const rows = {
    readAttempt: () => {
      reads += 1;
      return new Promise(() => undefined);
    },
  };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined };
  const deps = { rows, log, clock: systemClock() } as unknown as RunDeps;
  return { deps, reads: () => reads };
}

test('a host that hands over begins no run, and says that it detached (P34)', async () => {
  const { deps, reads } = countingDeps();
  const registry = createRunRegistry(deps, 60_000);
  await registry.close();

  const run = registry.joinOrStart(IDS);

  expect(await run.end).toEqual({ kind: 'detached', why: 'closing' });
  expect(registry.find(IDS.attemptId)).toBeNull();
  expect(reads()).toBe(0);
});
