import {
  measureCounted,
  untilNoWorkflowRuns,
  type CountedSeries,
} from '../bench/counted-series.ts';
import { ledgerOf, type Ledger } from '../bench/ledger.ts';
import { measure, merge, type Series } from '../bench/measure.ts';
import { quantilesOf, type Quantiles } from './quantiles.ts';
import { completed, type Stage, type Submitted } from './stage.ts';

export interface ClosedLoop {
  /** One at a time: a whole round trip of bare Temporal, and a task from submit to the gateway's start of its run. */
  readonly one: { readonly bare: Series; readonly dash: Series; readonly ack: Quantiles };
  readonly saturated: {
    readonly inFlight: number;
    readonly bare: Series;
    readonly dash: Series;
    /** As many sessions as tasks in flight; each task goes to the end of its session. */
    readonly sessions: Series;
    readonly ledger: { readonly bare: Ledger; readonly dash: Ledger };
  };
}

const IN_FLIGHT = 20;
const WARM_UP = 40;
const ROUNDS = [1, 2];

/** In turns with bare Temporal, so that the machine's moods meet both alike. */
export async function runClosedLoop(stage: Stage, count: number): Promise<ClosedLoop> {
  const settle = (): Promise<void> => untilNoWorkflowRuns(stage.ground);
  const submitted: Submitted[] = [];
  const dash = async (): Promise<void> => {
    const task = await stage.submit({});
    submitted.push(task);
    await completed(stage, task.taskId);
  };
  await measure(WARM_UP, 5, () => stage.bare(), settle);
  await measure(WARM_UP, 5, dash, settle);
  submitted.length = 0;
  const oneByOne = Math.max(20, Math.round(count / 8));
  const one: { bare: Series[]; dash: Series[] } = { bare: [], dash: [] };
  for (const round of ROUNDS) {
    stage.say(`one in flight, round ${round} of ${ROUNDS.length}`);
    one.bare.push(await measure(oneByOne, 1, () => stage.bare(), settle));
    one.dash.push(await measure(oneByOne, 1, dash, settle));
  }
  const ack = quantilesOf(acksOf(stage, submitted));
  const saturated = await saturate(stage, count, dash);
  return { one: { bare: merged(one.bare), dash: merged(one.dash), ack }, saturated };
}

async function saturate(
  stage: Stage,
  count: number,
  dash: () => Promise<void>,
): Promise<ClosedLoop['saturated']> {
  const inSession = async (index: number): Promise<void> => {
    const { taskId } = await stage.submit({ session: `load-${index % IN_FLIGHT}` });
    await completed(stage, taskId);
  };
  const series: Record<'bare' | 'dash' | 'sessions', CountedSeries[]> = {
    bare: [],
    dash: [],
    sessions: [],
  };
  for (const round of ROUNDS) {
    stage.say(`${IN_FLIGHT} in flight, round ${round} of ${ROUNDS.length}`);
    series.bare.push(await measureCounted(stage.ground, count, IN_FLIGHT, () => stage.bare()));
    series.dash.push(await measureCounted(stage.ground, count, IN_FLIGHT, dash));
    series.sessions.push(await measureCounted(stage.ground, count, IN_FLIGHT, inSession));
  }
  // Of the last round: everything is warm.
  const ledger = (of: readonly CountedSeries[]): Ledger => {
    const { before, after } = of.at(-1) as CountedSeries;
    return ledgerOf(before, after, count, 0);
  };
  const seriesOf = (of: readonly CountedSeries[]): Series => merged(of.map((one) => one.series));
  return {
    inFlight: IN_FLIGHT,
    bare: seriesOf(series.bare),
    dash: seriesOf(series.dash),
    sessions: seriesOf(series.sessions),
    ledger: { bare: ledger(series.bare), dash: ledger(series.dash) },
  };
}

function merged(rounds: readonly Series[]): Series {
  return merge(rounds[0] as Series, rounds[1] as Series);
}

/** From the moment the client began to submit to the gateway's start of the run. */
function acksOf({ starts }: Stage, submitted: readonly Submitted[]): number[] {
  const seen = starts.look();
  return submitted.flatMap(({ taskId, submittedAtMs }) => {
    const start = seen.get(taskId);
    return start === undefined ? [] : [start.atMs - submittedAtMs];
  });
}
