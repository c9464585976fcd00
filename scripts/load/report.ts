import type { Machine } from '../bench/machine.ts';
import type { Series } from '../bench/measure.ts';
import type { Verdict } from './judge.ts';
import type { OpenLoop } from './open-loop.ts';
import type { Quantiles } from './quantiles.ts';
import type { LoadResult } from './run-load.ts';

export interface LoadReport {
  readonly command: string;
  readonly machine: Machine;
  readonly result: LoadResult;
  readonly verdicts: readonly Verdict[];
}

type Cell = string | number;

/** The report as Markdown: verdicts first, then the figures behind them. */
export function describeReport({ command, machine, result, verdicts }: LoadReport): string {
  const { cpus, model, memoryGb, node } = machine;
  return [
    `\`${command}\` on ${cpus} cores (${model}), ${memoryGb} GB, Node ${node}; ${result.seconds} s.`,
    table(
      ['bound', 'aim', 'measured', ''],
      verdicts.map(({ bound, aim, measured, held }) => [bound, aim, measured, word(held)]),
    ),
    ...closedLoopParts(result),
    '**Open loop**: tasks arrive at a fixed rate; from the intended submit to the start of the run, in ms.',
    table(
      ['per second', 'tasks', 'refused', 'priority', 'p50', 'p95', 'p99', 'max'],
      result.openLoop.flatMap(openLoopRows),
    ),
    orderSentence(result),
    ...deepQueueParts(result),
    ...memoryParts(result),
  ].join('\n\n');
}

function closedLoopParts({ closedLoop: { one, saturated } }: LoadResult): string[] {
  const { bare, dash } = saturated.ledger;
  return [
    '**Closed loop**, bare Temporal and Dash in turns. Durations in ms.',
    table(
      ['series', 'in flight', 'count', 'p50', 'p95', 'per second'],
      [
        seriesRow('bare', one.bare),
        seriesRow('Dash', one.dash),
        seriesRow('bare', saturated.bare),
        seriesRow('Dash', saturated.dash),
        seriesRow('Dash, in sessions', saturated.sessions),
      ],
    ),
    `Submit → start of the run, one in flight: ${quantiles(one.ack)}.`,
    `**Each task costs** (${saturated.inFlight} in flight)`,
    table(
      ['', 'bare', 'Dash'],
      [
        ['gRPC calls', bare.grpcCalls, dash.grpcCalls],
        ['SQL statements', bare.sqlStatements, dash.sqlStatements],
        ...Object.keys(dash.cpuMs).map((name): Cell[] => [
          `CPU ms, ${name}`,
          bare.cpuMs[name] ?? 0,
          dash.cpuMs[name] ?? 0,
        ]),
      ],
    ),
  ];
}

function orderSentence({ order }: LoadResult): string {
  const weights = Object.values(order.weights).join(' : ');
  return (
    `**Order**: ${order.tasks} tasks of two tenants (weights ${weights}) at five priorities, queued before the ` +
    `first claim: ${order.inversions} inversions in ${order.claims} claims; largest distance from the share by ` +
    `weight ${Math.round(order.shareError * 1_000) / 10} %.`
  );
}

function deepQueueParts({ deepQueue }: LoadResult): string[] {
  if (deepQueue === null) return [];
  const { openTasks, oneClaim, fullClaim, claims, claimP95UpToMs, reads } = deepQueue;
  const bound = claimP95UpToMs === null ? 'more than 2 000' : `at most ${claimP95UpToMs}`;
  return [
    `**Before ${openTasks} open tasks**: a claim that finds one free lane among all gateways takes p50 ${oneClaim.p50Ms} ms, p95 ${oneClaim.p95Ms} ms, p99 ${oneClaim.p99Ms} ms; one that fills as many as it may p50 ${fullClaim.p50Ms} ms, p95 ${fullClaim.p95Ms} ms. While lanes were filled and everything else worked, 95 % of ${claims} claims, each for up to 16 lanes, took ${bound} ms. Reads through the API, in ms:`,
    table(
      ['read', 'p50', 'p95', 'p99'],
      Object.entries(reads).map(([name, { p50Ms, p95Ms, p99Ms }]) => [name, p50Ms, p95Ms, p99Ms]),
    ),
  ];
}

function memoryParts({ soak, memory, peakMb }: LoadResult): string[] {
  const rate =
    soak === null ? '' : ` over ${soak.minutes} min at ${soak.load.perSecond} tasks per second`;
  return [
    `**Memory**, MB${rate}`,
    table(
      ['process', 'peak', 'at the end', 'growth per hour'],
      Object.entries(memory).map(([name, { lastMb, growthMbPerHour }]) => [
        name,
        peakMb[name] ?? 0,
        lastMb,
        soak === null ? '-' : (growthMbPerHour ?? '-'),
      ]),
    ),
  ];
}

function openLoopRows(load: OpenLoop): Cell[][] {
  const row = (name: string, { count, p50Ms, p95Ms, p99Ms, maxMs }: Quantiles): Cell[] => [
    load.perSecond,
    count,
    load.refused,
    name,
    ...[p50Ms, p95Ms, p99Ms, maxMs],
  ];
  return [
    row('all', load.start),
    ...Object.entries(load.startByPriority).map(([name, of]) => row(name, of)),
  ];
}

function seriesRow(name: string, { inFlight, count, p50Ms, p95Ms, perSecond }: Series): Cell[] {
  return [name, inFlight, count, p50Ms, p95Ms, perSecond];
}

function quantiles({ p50Ms, p95Ms, p99Ms }: Quantiles): string {
  return `p50 ${p50Ms} ms, p95 ${p95Ms} ms, p99 ${p99Ms} ms`;
}

function word(held: boolean | null): string {
  if (held === null) return 'not told by this run';
  return held ? 'held' : '**missed**';
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
