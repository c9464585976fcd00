import type { Database } from '../db/database.ts';
import { getSchedule, setScheduleProblem } from '../db/schedule-store.ts';
import { ScheduleRefused, type ScheduleMirror } from '../temporal/schedule-mirror.ts';

/**
 * Makes Temporal follow the row of a schedule as it stands now, whatever brought it there: made, changed or deleted.
 * Looks at the row again afterwards, so that of two changes at once the later one stays. Answers why Temporal does
 * not take it (which is noted in the row), or null.
 */
export async function followSchedule(
  deps: { readonly db: Database; readonly mirror: ScheduleMirror },
  scheduleId: string,
): Promise<string | null> {
  const { db, mirror } = deps;
  for (;;) {
    const row = await getSchedule(db, scheduleId);
    if (row === null) {
      await mirror.remove(scheduleId);
      return null;
    }
    const problem = await problemOf(() => mirror.follow(row));
    const after = await getSchedule(db, scheduleId);
    if (after?.revision !== row.revision) continue;
    if (after.problem !== problem) {
      await setScheduleProblem(db, { scheduleId, revision: row.revision, problem });
    }
    return problem;
  }
}

async function problemOf(follow: () => Promise<void>): Promise<string | null> {
  try {
    await follow();
    return null;
  } catch (error) {
    if (error instanceof ScheduleRefused) return error.message;
    throw error;
  }
}
