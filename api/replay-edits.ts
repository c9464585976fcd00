import { PRIORITIES } from '../src/domain/task.ts';
import type { z } from 'zod';
import type { replayEdits } from '../src/contract/task-dto.ts';
import type { ReplayEdits } from '../src/db/dead-letter-store.ts';

/** Without what was not given: an edit that is left out changes nothing. */
export function defined<Shape extends object>(
  shape: Shape,
): { [Key in keyof Shape]?: Exclude<Shape[Key], undefined> } {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Shape]?: Exclude<Shape[Key], undefined>;
  };
}

/** The edits of a replay as the rows name them. */
export function editsOf({ priority, ...edits }: z.output<typeof replayEdits>): ReplayEdits {
  return defined({
    ...edits,
    priority: priority === undefined ? undefined : PRIORITIES[priority],
  });
}
