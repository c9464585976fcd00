import type { ChaosOptions } from './options.ts';

/** Kinds and numbers of the processes, in one line. */
export function processes(
  report: Pick<ChaosOptions, 'gateways' | 'real' | 'hosts' | 'controls'>,
): string {
  const real = report.real === 0 ? '' : ` (${report.real} real OpenClaw)`;
  return `${report.gateways} gateways${real}, ${report.hosts} hosts, ${report.controls} control workers, 1 api, Temporal, PostgreSQL`;
}

/** How many turns executed, and where. */
export function runsOf({
  wire,
  real,
}: {
  readonly wire: { readonly runs: number; readonly onReal: number };
  readonly real: number;
}): string {
  return `${wire.runs} runs${real === 0 ? '' : ` (${wire.onReal} on real gateways)`}`;
}

export function counts(by: Readonly<Record<string, number>>): string {
  return Object.entries(by)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

export function countBy<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(items, keyOf)].map(([key, members]) => [key, members.length]),
  );
}
