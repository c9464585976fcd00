/** Cumulative counts by upper bound, as Prometheus has them. */
export interface Histogram {
  readonly count: number;
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
}

/** Reads a histogram without labels of its own from the Prometheus text format. */
export function readHistogram(text: string, name: string): Histogram {
  const bucket = new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"[^}]*\\} (\\S+)$`, 'gm');
  const buckets = [...text.matchAll(bucket)]
    .map(([, upTo, count]) => ({ upTo: Number(upTo), count: Number(count) }))
    .filter(({ upTo }) => Number.isFinite(upTo));
  const count = Number(
    new RegExp(`^${name}_count(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0,
  );
  return { count, buckets };
}

/** What was counted between two readings of one histogram. */
export function between(before: Histogram, after: Histogram): Histogram {
  return {
    count: after.count - before.count,
    buckets: after.buckets.map(({ upTo, count }, index) => ({
      upTo,
      count: count - (before.buckets[index]?.count ?? 0),
    })),
  };
}

/** The least bound that `share` of the values do not exceed; null: there is none, or nothing was counted. */
export function boundOf({ count, buckets }: Histogram, share: number): number | null {
  if (count === 0) return null;
  return buckets.find((bucket) => bucket.count >= count * share)?.upTo ?? null;
}
