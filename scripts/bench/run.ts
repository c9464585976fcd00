import { randomUUID } from 'node:crypto';
import { taskWorkflowId } from '../../src/domain/names.ts';
import { measureCounted, untilNoWorkflowRuns, type CountedSeries } from './counted-series.ts';
import type { Ground } from './ground.ts';
import { BARE_QUEUE } from './programs.ts';
import { ledgerOf, type Ledger } from './ledger.ts';
import { measure, merge, round, type Series } from './measure.ts';
import { watchTaskEnds } from './task-ends.ts';

export interface BenchOptions {
  /** Operations of one series at one in flight; twice as many are measured, in two rounds. */
  readonly oneByOne: number;
  readonly atTwenty: number;
}

export interface BenchResult {
  readonly bare: { readonly one: Series; readonly twenty: Series; readonly ledger: Ledger };
  readonly dash: { readonly one: Series; readonly twenty: Series; readonly ledger: Ledger };
  /** Dash against bare: of throughput at 20 in flight, and of p50 latency at one. */
  readonly ratios: { readonly throughput: number; readonly latency: number };
}

const WARM_UP = 30;

/**
 * Bare Temporal (start → one activity that does nothing → result) and Dash (submit over HTTP → a fake gateway that
 * answers at once → terminal row) on the same server, in turns, so that the machine's moods meet both alike.
 */
export async function runBench(
  ground: Ground,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<BenchResult> {
  const { bare, dash, workflows, close } = await openOperations(ground);
  const settle = (): Promise<void> => untilNoWorkflowRuns(ground);
  say('warming up');
  await measure(WARM_UP, 5, bare, settle);
  await measure(WARM_UP, 5, dash, settle);
  const one: { bare: Series[]; dash: Series[] } = { bare: [], dash: [] };
  for (const round of [1, 2]) {
    say(`one in flight, round ${round} of 2`);
    one.bare.push(await measure(options.oneByOne, 1, bare, settle));
    one.dash.push(await measure(options.oneByOne, 1, dash, settle));
  }
  const twenty: { bare: CountedSeries[]; dash: CountedSeries[] } = { bare: [], dash: [] };
  for (const round of [1, 2]) {
    say(`twenty in flight, round ${round} of 2`);
    twenty.bare.push(await measureCounted(ground, options.atTwenty, 20, bare));
    twenty.dash.push(await measureCounted(ground, options.atTwenty, 20, dash));
  }
  await close();
  const result = {
    bare: part(one.bare, twenty.bare, await historyEvents(ground, workflows.bare)),
    dash: part(one.dash, twenty.dash, await historyEvents(ground, workflows.dash)),
  };
  return {
    ...result,
    ratios: {
      throughput: round(result.dash.twenty.perSecond / result.bare.twenty.perSecond),
      latency: round(result.dash.one.p50Ms / result.bare.one.p50Ms),
    },
  };
}

/** One operation of each kind, and the ids of the workflows that they have left behind. */
async function openOperations(ground: Ground) {
  const ends = await watchTaskEnds(ground.db);
  const workflows: { readonly bare: string[]; readonly dash: string[] } = { bare: [], dash: [] };
  return {
    workflows,
    async bare(): Promise<void> {
      const workflowId = `bench/${randomUUID()}`;
      const handle = await ground.temporal.client.workflow.start('bareWorkflow', {
        workflowId,
        taskQueue: BARE_QUEUE,
      });
      await handle.result();
      workflows.bare.push(workflowId);
    },
    async dash(): Promise<void> {
      const { task } = await ground.api.tasks.submit({
        body: { prompt: 'benchmark [[say:done]]' },
      });
      const end = await ends.of(task.id);
      if (end !== 'task.completed') throw new Error(`task ${task.id} ended as ${end}`);
      workflows.dash.push(taskWorkflowId(task.id));
    },
    close: () => ends.close(),
  };
}

function part(one: readonly Series[], twenty: readonly CountedSeries[], events: number) {
  const [first, second] = twenty as [CountedSeries, CountedSeries];
  return {
    one: merge(one[0] as Series, one[1] as Series),
    twenty: merge(first.series, second.series),
    // The second round: everything is warm.
    ledger: ledgerOf(second.before, second.after, second.series.count, events),
  };
}

const SAMPLE = 20;

/** What most of the last tasks have: a machine under pressure adds events to some (a workflow task that timed out). */
async function historyEvents(ground: Ground, workflowIds: readonly string[]): Promise<number> {
  const counts = new Map<number, number>();
  for (const workflowId of workflowIds.slice(-SAMPLE)) {
    const handle = ground.temporal.client.workflow.getHandle(workflowId);
    await handle.result();
    const count = (await handle.fetchHistory()).events?.length ?? 0;
    counts.set(count, (counts.get(count) ?? 0) + 1);
  }
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? 0;
}
