import type { Ground } from '../bench/ground.ts';
import { round } from '../bench/measure.ts';
import { runClosedLoop, type ClosedLoop } from './closed-loop.ts';
import { runDeepQueue, type DeepQueue } from './deep-queue.ts';
import { watchMemory, type Memory } from './memory.ts';
import { runOpenLoop, type OpenLoop } from './open-loop.ts';
import type { LoadOptions } from './options.ts';
import { runOrderedClaims, type OrderedClaims } from './ordered-claims.ts';
import { openStage, type Stage } from './stage.ts';

/** Everything that a load run measured. */
export interface LoadResult {
  readonly options: LoadOptions;
  readonly seconds: number;
  readonly closedLoop: ClosedLoop;
  readonly openLoop: readonly OpenLoop[];
  readonly order: OrderedClaims;
  readonly deepQueue: DeepQueue | null;
  readonly soak: { readonly minutes: number; readonly load: OpenLoop } | null;
  /** By process; of the soak when there was one. */
  readonly memory: Readonly<Record<string, Memory>>;
  readonly peakMb: Readonly<Record<string, number>>;
}

/** Of the saturated throughput that the closed loop found. */
const RATES = [0.25, 0.5, 0.75] as const;
const SOAK_RATE = 0.3;
/** Tasks of each tenant and priority: enough for a share to be told within its bound. */
const ORDER_PER_LANE = 40;

export async function runLoad(
  ground: Ground,
  options: LoadOptions,
  say: (line: string) => void,
): Promise<LoadResult> {
  const startedAt = performance.now();
  const stage = await openStage(ground, say);
  const memory = watchMemory(ground.processes);
  try {
    const closedLoop = await runClosedLoop(stage, options.count);
    const saturated = closedLoop.saturated.dash.perSecond;
    const openLoop = await runRates(stage, saturated, options.seconds);
    say('order and shares of a queue that is longer than the lanes');
    const order = await runOrderedClaims(stage, Math.min(ORDER_PER_LANE, options.count / 2));
    if (options.soakMinutes > 0) memory.mark();
    const soak = await runSoak(stage, saturated, options.soakMinutes);
    const steady = memory.read();
    const deepQueue = options.backlog > 0 ? await runDeepQueue(stage, options.backlog) : null;
    return {
      options,
      seconds: round((performance.now() - startedAt) / 1_000),
      closedLoop,
      openLoop,
      order,
      deepQueue,
      soak,
      memory: steady,
      peakMb: memory.peaks(),
    };
  } finally {
    memory.close();
    await stage.close();
  }
}

async function runRates(stage: Stage, saturated: number, seconds: number): Promise<OpenLoop[]> {
  const series: OpenLoop[] = [];
  for (const share of RATES) {
    const perSecond = round(saturated * share);
    stage.say(`open loop, ${perSecond} tasks per second for ${seconds} s`);
    series.push(await runOpenLoop(stage, { perSecond, seconds }));
  }
  return series;
}

async function runSoak(
  stage: Stage,
  saturated: number,
  minutes: number,
): Promise<LoadResult['soak']> {
  if (minutes === 0) return null;
  const perSecond = round(saturated * SOAK_RATE);
  stage.say(`soak, ${perSecond} tasks per second for ${minutes} min`);
  return { minutes, load: await runOpenLoop(stage, { perSecond, seconds: minutes * 60 }) };
}
