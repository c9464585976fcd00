import type { Ground } from './ground.ts';
import { readCounters } from './ledger.ts';
import { measure, type Series } from './measure.ts';

/** A series with the counters before and after it: what its operations cost. */
export interface CountedSeries {
  readonly series: Series;
  readonly before: Awaited<ReturnType<typeof readCounters>>;
  readonly after: Awaited<ReturnType<typeof readCounters>>;
}

/** Measures a series that lasts until no workflow of it runs any more. */
export async function measureCounted(
  ground: Ground,
  count: number,
  inFlight: number,
  operation: (index: number) => Promise<void>,
): Promise<CountedSeries> {
  const before = await readCounters(ground);
  const series = await measure(count, inFlight, operation, () => untilNoWorkflowRuns(ground));
  return { series, before, after: await readCounters(ground) };
}

/** A terminal row may come before the end of its workflow: what that still costs belongs to the series. */
export async function untilNoWorkflowRuns({ temporal }: Ground): Promise<void> {
  const open = `ExecutionStatus = 'Running' AND WorkflowType IN ('taskWorkflow', 'bareWorkflow')`;
  while ((await temporal.client.workflow.count(open)).count > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
