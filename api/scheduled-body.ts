import { placesOf } from '../src/admission/scheduled-work.ts';
import type { AppError } from '../src/contract/errors.ts';
import type { Misplaced, Place } from '../src/domain/placement.ts';
import type { ScheduledWork } from '../src/domain/schedule.ts';
import { invalidBody, misplaced } from './refusals.ts';

/** The work as it was written, not as it was parsed: defaults are those of its time. */
export function writtenWork(rawBody: unknown): ScheduledWork | null {
  const { task, swarm } = rawBody as { readonly task?: unknown; readonly swarm?: unknown };
  if (task !== undefined) return { task };
  return swarm === undefined ? null : { swarm };
}

/** Throws what is wrong with a swarm beyond its schema: too many tasks, once it is expanded. */
export function checkedPlaces(work: ScheduledWork): readonly Place[] {
  const checked = placesOf(work);
  if (checked.kind === 'invalid') throw invalidBody(checked.problems);
  return checked.places;
}

export function misplacedWork(work: ScheduledWork, refused: Misplaced): AppError {
  const asked = refused.kind === 'unmet-requirements' ? 'requirements' : 'pool';
  return misplaced(refused, ['task' in work ? 'task' : 'swarm', asked]);
}
