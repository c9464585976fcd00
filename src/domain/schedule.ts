import { cronProblem } from './cron.ts';
import type { InputProblem } from './input-problems.ts';
import { timeZoneProblem } from './time-zone.ts';

/** Work that is admitted again and again: what was asked, and how a Schedule of Temporal follows it. */

/**
 * What becomes of a firing while the work of an earlier one has not ended: it is left out, it waits (one of them), it
 * is admitted beside it, or it is admitted when the earlier work was cancelled.
 */
export const OVERLAP_POLICIES = ['skip', 'buffer-one', 'allow-all', 'cancel-other'] as const;
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];

export const SCHEDULE_DEFAULTS = {
  timeZone: 'UTC',
  overlap: 'skip',
  catchupSeconds: 60,
} as const satisfies {
  readonly timeZone: string;
  readonly overlap: OverlapPolicy;
  readonly catchupSeconds: number;
};

/** Bounds of what may be asked, seconds. Temporal itself catches up on ten seconds at least. */
export const SCHEDULE_BOUNDS = {
  everySeconds: { least: 1, most: 366 * 86_400 },
  catchupSeconds: { least: 10, most: 366 * 86_400 },
} as const;

/** A task or a swarm as the API takes it, without tenant and absolute times. */
export type ScheduledWork = { readonly task: unknown } | { readonly swarm: unknown };

/** When it comes due: by exactly one of them. */
export interface ScheduleTiming {
  /** Five fields, or a shorthand like `@daily`; in `timeZone`. */
  readonly cron: string | null;
  /** Counted from 1970-01-01T00:00:00Z. */
  readonly everySeconds: number | null;
  readonly timeZone: string;
}

export interface ScheduleDefinition extends ScheduleTiming {
  readonly name: string;
  readonly work: ScheduledWork;
  readonly overlap: OverlapPolicy;
  /** Firings that Temporal has missed are made up for when they are no older than this. */
  readonly catchupSeconds: number;
  readonly note: string | null;
}

/** As it stands in its row. Times are ISO 8601 in UTC. */
export interface ScheduleRecord extends ScheduleDefinition {
  readonly id: string;
  readonly seq: number;
  readonly tenant: string;
  readonly paused: boolean;
  /** Counts the changes: Temporal's Schedule names the one that it follows. */
  readonly revision: number;
  /** Why Temporal does not take it; null: nothing is known against it. */
  readonly problem: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** How Temporal's Schedule stands. */
export interface MirroredSchedule {
  /** null: it was not made by Dash. */
  readonly revision: number | null;
  readonly paused: boolean;
  /** The next times, ISO 8601. */
  readonly next: readonly string[];
  readonly skippedByOverlap: number;
  readonly missedCatchup: number;
}

/** Names one firing: whatever is started for it, and however often, is one piece of work. */
export function firingKey(scheduleId: string, scheduledAt: string): string {
  return `firing/${scheduleId}/${scheduledAt}`;
}

/** What is wrong with when something is to come due. `timeZoneNamed`: it was not left to its default. */
export function timingProblems(timing: {
  readonly cron?: unknown;
  readonly everySeconds?: unknown;
  readonly timeZone?: unknown;
}): readonly InputProblem[] {
  const { cron, everySeconds, timeZone } = timing;
  const problems: InputProblem[] = [];
  if (cron === undefined && everySeconds === undefined) {
    const message = 'is missing: give either cron or everySeconds';
    problems.push({ path: ['cron'], message });
  }
  if (cron !== undefined && everySeconds !== undefined) {
    const message = 'must not stand beside cron: give one of the two';
    problems.push({ path: ['everySeconds'], message });
  } else if (everySeconds !== undefined && timeZone !== undefined) {
    const message = 'goes with cron only: an interval counts from 1970-01-01T00:00:00Z';
    problems.push({ path: ['timeZone'], message });
  }
  if (typeof cron === 'string') {
    const message = cronProblem(cron);
    if (message !== null) problems.push({ path: ['cron'], message });
  }
  if (typeof timeZone === 'string') {
    const message = timeZoneProblem(timeZone);
    if (message !== null) problems.push({ path: ['timeZone'], message });
  }
  return problems;
}
