import { scheduledTask } from '../contract/task-dto.ts';
import type { NewTask } from '../db/accept.ts';
import type { NewSwarm } from '../db/swarm-store.ts';
import { problemsOf, type InputProblem } from '../domain/input-problems.ts';
import type { Place } from '../domain/placement.ts';
import type { ScheduledWork, ScheduleRecord } from '../domain/schedule.ts';
import { parseSwarmSpec } from '../domain/swarm-spec.ts';
import { newSwarmOf, newTaskOf } from './new-work.ts';

export type NewScheduledWork =
  | { readonly kind: 'task'; readonly task: NewTask }
  | { readonly kind: 'swarm'; readonly swarm: NewSwarm }
  /** It no longer fits what this version takes. */
  | { readonly kind: 'invalid'; readonly problems: readonly InputProblem[] };

/** The work of one firing, as it is accepted. Tasks and swarms name their schedule. */
export function newScheduledWork(
  schedule: Pick<ScheduleRecord, 'id' | 'tenant' | 'work'>,
  by: { readonly correlationId: string; readonly actor: string | null },
): NewScheduledWork {
  const { id: scheduleId, tenant, work } = schedule;
  const admission = { ...by, tenant, idempotency: null };
  if ('task' in work) {
    const parsed = scheduledTask.safeParse(work.task);
    if (!parsed.success) {
      const problems = problemsOf(parsed.error, scheduledTask, work.task);
      return { kind: 'invalid', problems: within('task', problems) };
    }
    return { kind: 'task', task: { ...newTaskOf(parsed.data, admission), scheduleId } };
  }
  const parsed = parseSwarmSpec(work.swarm);
  if (parsed.kind === 'invalid') {
    return { kind: 'invalid', problems: within('swarm', parsed.problems) };
  }
  const swarm = { ...newSwarmOf(parsed, work.swarm, admission), scheduleId };
  return { kind: 'swarm', swarm };
}

/** Where it is to go each time, or what is wrong with it. */
export function placesOf(
  work: ScheduledWork,
):
  | { readonly kind: 'places'; readonly places: readonly Place[] }
  | { readonly kind: 'invalid'; readonly problems: readonly InputProblem[] } {
  const made = newScheduledWork({ id: '', tenant: '', work }, { correlationId: '', actor: null });
  if (made.kind === 'invalid') return made;
  const works = made.kind === 'task' ? [made.task] : made.swarm.nodes;
  const places = works.map(({ pool, requirements = null }) => ({ pool, requirements }));
  return { kind: 'places', places };
}

function within(key: string, problems: readonly InputProblem[]): readonly InputProblem[] {
  return problems.map(({ path, message }) => ({ path: [key, ...path], message }));
}
