/** Latencies in milliseconds; throughput in operations per second of the whole series, with all that it leaves to do. */
export interface Series {
  readonly count: number;
  readonly inFlight: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly perSecond: number;
}

/** Runs `operation` `count` times, `inFlight` at a time; the series is over when `settle` says so. */
export async function measure(
  count: number,
  inFlight: number,
  operation: (index: number) => Promise<void>,
  settle: () => Promise<void>,
): Promise<Series> {
  const latencies: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const startedAt = performance.now();
      await operation(index);
      latencies.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  await settle();
  const seconds = (performance.now() - startedAt) / 1_000;
  return summarise(latencies, inFlight, seconds);
}

export function summarise(latencies: readonly number[], inFlight: number, seconds: number): Series {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    count: sorted.length,
    inFlight,
    p50Ms: round(at(0.5)),
    p95Ms: round(at(0.95)),
    perSecond: round(sorted.length / seconds),
  };
}

/** Two rounds of the same series as one. */
export function merge(a: Series, b: Series): Series {
  const mean = (x: number, y: number): number => round((x + y) / 2);
  return {
    count: a.count + b.count,
    inFlight: a.inFlight,
    p50Ms: mean(a.p50Ms, b.p50Ms),
    p95Ms: mean(a.p95Ms, b.p95Ms),
    perSecond: mean(a.perSecond, b.perSecond),
  };
}

export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
