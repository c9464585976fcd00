import type { PriorityName } from '../../src/domain/task.ts';
import { quantilesOf, type Quantiles } from './quantiles.ts';
import { completed, pause, type Stage } from './stage.ts';

export interface OpenLoop {
  readonly perSecond: number;
  readonly seconds: number;
  readonly submitted: number;
  readonly refused: number;
  /** From the moment a task was meant to be submitted to the gateway's start of its run. */
  readonly start: Quantiles;
  readonly startByPriority: Readonly<Record<string, Quantiles>>;
  /** Of the submit itself, from its intended moment. */
  readonly accept: Quantiles;
}

/** Every twentieth is urgent, as in life; most are normal. */
const PRIORITIES: readonly PriorityName[] = [
  'critical',
  ...Array<PriorityName>(3).fill('high'),
  ...Array<PriorityName>(10).fill('normal'),
  ...Array<PriorityName>(4).fill('low'),
  ...Array<PriorityName>(2).fill('background'),
];
/** A step that is coprime to the number of priorities: they are spread evenly. */
const STEP = 7;

interface Arrival {
  readonly taskId: string;
  readonly priority: PriorityName;
  readonly intendedAtMs: number;
  readonly acceptedAtMs: number;
}

/**
 * Tasks arrive at a fixed rate, whatever Dash does, and every latency counts from the moment a task was meant to
 * arrive: a stall shows in all that came during it (no coordinated omission).
 */
export async function runOpenLoop(
  stage: Stage,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<OpenLoop> {
  const count = Math.max(1, Math.round(perSecond * seconds));
  const startedAtMs = stage.nowMs();
  const underWay: Promise<Arrival | null>[] = [];
  for (let index = 0; index < count; index += 1) {
    const intendedAtMs = startedAtMs + (index * 1_000) / perSecond;
    await pause(intendedAtMs - stage.nowMs());
    const priority = PRIORITIES[(index * STEP) % PRIORITIES.length] ?? 'normal';
    underWay.push(
      stage.submit({ priority }).then(
        ({ taskId, acceptedAtMs }) => ({ taskId, priority, intendedAtMs, acceptedAtMs }),
        () => null,
      ),
    );
  }
  const arrivals = (await Promise.all(underWay)).filter((arrival) => arrival !== null);
  await Promise.all(arrivals.map(({ taskId }) => completed(stage, taskId)));
  const seen = stage.starts.look();
  const startOf = ({ taskId, intendedAtMs }: Arrival): number[] => {
    const start = seen.get(taskId);
    return start === undefined ? [] : [start.atMs - intendedAtMs];
  };
  const byPriority = Map.groupBy(arrivals, ({ priority }) => priority);
  return {
    perSecond,
    seconds,
    submitted: arrivals.length,
    refused: count - arrivals.length,
    start: quantilesOf(arrivals.flatMap(startOf)),
    startByPriority: Object.fromEntries(
      [...new Set(PRIORITIES)].map((name) => [
        name,
        quantilesOf((byPriority.get(name) ?? []).flatMap(startOf)),
      ]),
    ),
    accept: quantilesOf(
      arrivals.map(({ acceptedAtMs, intendedAtMs }) => acceptedAtMs - intendedAtMs),
    ),
  };
}
