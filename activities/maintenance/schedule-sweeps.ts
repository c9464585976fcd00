import { followSchedule } from '../../src/admission/follow-schedule.ts';
import { recordFinding } from '../../src/db/finding-store.ts';
import { knownSchedules, settledSchedules } from '../../src/db/schedule-store.ts';
import type { MirroredSchedule, ScheduleRecord } from '../../src/domain/schedule.ts';
import { batches, type MaintenanceDeps, type PagedSweep, type Sweep } from './sweep.ts';

/** The row is the truth: what Temporal lost, kept from before, or had changed by hand is made as the row says. */
export function scheduleNotFollowed({ db, temporal }: MaintenanceDeps): Sweep<ScheduleRecord> {
  const { schedules: mirror } = temporal.messages;
  return {
    candidates: (page) => settledSchedules(db, page),
    idOf: (schedule) => schedule.id,
    async inspect(schedule) {
      const found = await mirror.look(schedule.id);
      if (follows(found, schedule)) return null;
      const problem = await followSchedule({ db, mirror }, schedule.id);
      // Listed once; from then on it stands in the row.
      if (problem !== null && schedule.problem !== null) return null;
      const { revision, paused } = schedule;
      const temporalHas =
        found === null ? 'nothing' : { revision: found.revision, paused: found.paused };
      return { detail: { revision, paused, temporalHas, problem }, repaired: problem === null };
    },
  };
}

function follows(found: MirroredSchedule | null, schedule: ScheduleRecord): boolean {
  return found?.revision === schedule.revision && found.paused === schedule.paused;
}

/**
 * It cannot admit anything without its row. That it was there is listed, in case the database was put back to an older
 * copy and a person misses it.
 */
export function scheduleWithoutRow({ db, temporal }: MaintenanceDeps): PagedSweep {
  const { schedules: mirror } = temporal.messages;
  return async () => {
    let found = 0;
    for await (const ids of batches(mirror.list())) {
      const known = await knownSchedules(db, ids);
      for (const id of ids.filter((one) => !known.has(one))) {
        const had = await mirror.look(id);
        // The list is a moment old.
        if (had === null) continue;
        await mirror.remove(id);
        found += 1;
        await recordFinding(db, {
          kind: 'schedule-without-row',
          subject: id,
          detail: { revision: had.revision, paused: had.paused, next: had.next.slice(0, 3) },
          repaired: true,
        });
      }
    }
    return { found, repaired: found, next: null };
  };
}
