import { round } from '../bench/measure.ts';
import type { LoadResult } from './run-load.ts';

/** One bound and what was measured against it. */
export interface Verdict {
  readonly bound: string;
  readonly aim: string;
  readonly measured: string;
  /** null: this run was not made to tell (too short, too small, or the part was left out). */
  readonly held: boolean | null;
}

const DASH_PROCESSES = ['api', 'control worker', 'gateway host'] as const;
const MAX_MB = 250;
const MAX_GROWTH_MB_PER_HOUR = 1;
/** A slope over less than this tells of warming up, not of a leak. */
const MIN_SOAK_MINUTES = 30;
const FULL_GATEWAYS = 50;
const FULL_BACKLOG = 100_000;
const MEMORY_BACKLOG = 10_000;

/** The bounds of issue and acceptance (R16, R22, R46, R56), each with its figure. Pure. */
export function judge(result: LoadResult): readonly Verdict[] {
  const { closedLoop, order } = result;
  const { one, saturated } = closedLoop;
  const ackRatio = round(one.ack.p50Ms / one.bare.p50Ms);
  const ratio = (series: { readonly perSecond: number }): number =>
    round(series.perSecond / saturated.bare.perSecond);
  const refused = result.openLoop.reduce((sum, load) => sum + load.refused, 0);
  return [
    verdict('submit → start of the run, p50, lanes free', '≤ 1.2 × bare round trip', {
      measured: `${ackRatio} ×`,
      held: ackRatio <= 1.2,
    }),
    verdict('saturated throughput', '≥ 0.9 × bare', {
      measured: `${ratio(saturated.dash)} ×`,
      held: ratio(saturated.dash) >= 0.9,
    }),
    verdict('saturated throughput of session tasks', '≥ 0.9 × bare', {
      measured: `${ratio(saturated.sessions)} ×`,
      held: ratio(saturated.sessions) >= 0.9,
    }),
    verdict('refused or failed submits in the open loops', '0', {
      measured: String(refused),
      held: refused === 0,
    }),
    verdict('priority inversions', '0', {
      measured: `${order.inversions} in ${order.claims} claims`,
      held: order.inversions === 0 && order.claims >= order.tasks,
    }),
    verdict('fairness: distance from the share by weight', '≤ 5 %', {
      measured: `${round(order.shareError * 100)} %`,
      held: order.shareError <= 0.05,
    }),
    ...deepQueueVerdicts(result),
    ...memoryVerdicts(result),
  ];
}

function deepQueueVerdicts({ deepQueue }: LoadResult): Verdict[] {
  const isFull = deepQueue !== null && deepQueue.openTasks >= FULL_BACKLOG;
  const slowest = Object.entries(deepQueue?.reads ?? {}).toSorted(
    ([, a], [, b]) => b.p95Ms - a.p95Ms,
  )[0];
  const claim = deepQueue?.oneClaim.p95Ms ?? null;
  return [
    verdict(`a claim over ${FULL_BACKLOG} open tasks, p95`, '< 10 ms', {
      measured: claim === null ? 'not measured' : `${claim} ms`,
      held: isFull ? claim !== null && claim < 10 : null,
    }),
    verdict(`lists over ${FULL_BACKLOG} open tasks, slowest p95`, '< 50 ms', {
      measured: slowest === undefined ? 'not measured' : `${slowest[1].p95Ms} ms (${slowest[0]})`,
      held: isFull ? (slowest?.[1].p95Ms ?? Infinity) < 50 : null,
    }),
  ];
}

function memoryVerdicts({ options, deepQueue, memory, peakMb, soak }: LoadResult): Verdict[] {
  const isFull = options.gateways >= FULL_GATEWAYS && (deepQueue?.openTasks ?? 0) >= MEMORY_BACKLOG;
  const peaks = DASH_PROCESSES.map((name) => `${name} ${peakMb[name] ?? 0}`);
  const growth = DASH_PROCESSES.map((name) => memory[name]?.growthMbPerHour ?? 0);
  const isLong = soak !== null && soak.minutes >= MIN_SOAK_MINUTES;
  return [
    verdict('resident memory of each process of Dash, peak', `< ${MAX_MB} MB`, {
      measured: `${peaks.join(', ')} MB`,
      held: isFull ? DASH_PROCESSES.every((name) => (peakMb[name] ?? 0) < MAX_MB) : null,
    }),
    verdict('growth of it over the second half of the soak', `< ${MAX_GROWTH_MB_PER_HOUR} MB/h`, {
      measured: soak === null ? 'no soak' : `${growth.join(', ')} MB/h over ${soak.minutes} min`,
      held: isLong ? growth.every((mb) => mb < MAX_GROWTH_MB_PER_HOUR) : null,
    }),
  ];
}

function verdict(bound: string, aim: string, found: Pick<Verdict, 'measured' | 'held'>): Verdict {
  return { bound, aim, ...found };
}
