import { readFileSync } from 'node:fs';
import { round } from '../bench/measure.ts';
import { slopeOf } from './quantiles.ts';

/** Resident memory of one process over a time, in megabytes (10^6 bytes). */
export interface Memory {
  readonly lastMb: number;
  /**
   * Growth per hour by least squares over the second half; null: watched too shortly to tell. In the first half V8
   * still compiles what is used often, and its heaps grow to the size that they work at.
   */
  readonly growthMbPerHour: number | null;
}

export interface MemoryWatch {
  /** Since the watch began, or since `mark`. */
  read(): Readonly<Record<string, Memory>>;
  /** Forgets what was seen so far, but the peaks. */
  mark(): void;
  /** The most that each process ever had, in megabytes. */
  peaks(): Readonly<Record<string, number>>;
  close(): void;
}

const SAMPLE_EVERY_MS = 1_000;

/** Samples the processes once a second. */
export function watchMemory(
  processes: readonly { readonly name: string; readonly pid: number }[],
): MemoryWatch {
  const samples = new Map<string, [hours: number, mb: number][]>();
  const peaks = new Map<string, number>();
  const take = (): void => {
    for (const { name, pid } of processes) {
      const mb = residentMb(pid);
      if (mb === null) continue;
      peaks.set(name, Math.max(peaks.get(name) ?? 0, round(mb)));
      const own = samples.get(name) ?? [];
      own.push([performance.now() / 3_600_000, mb]);
      samples.set(name, own);
    }
  };
  take();
  const timer = setInterval(take, SAMPLE_EVERY_MS);
  return {
    read: () =>
      Object.fromEntries([...samples].map(([name, points]) => [name, memoryOf(points)] as const)),
    mark: () => samples.clear(),
    peaks: () => Object.fromEntries(peaks),
    close: () => clearInterval(timer),
  };
}

function memoryOf(points: readonly [number, number][]): Memory {
  const slope = slopeOf(points.slice(Math.floor(points.length / 2)));
  return {
    lastMb: round(points.at(-1)?.[1] ?? 0),
    growthMbPerHour: slope === null ? null : round(slope),
  };
}

function residentMb(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : (Number(kib) * 1_024) / 1e6;
  } catch {
    return null;
  }
}
