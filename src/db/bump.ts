import type { Priority, TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';

export type BumpResult =
  | { readonly kind: 'raised' }
  /** Its own priority is as urgent already. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'not-waiting'; readonly state: TaskState }
  | { readonly kind: 'not-found' };

/**
 * Raises a waiting task to a priority, under the claim lock (P9); inside a session its head inherits. Never lowers.
 * Written to the events with the actor.
 */
export function bumpTask(
  db: Database,
  options: {
    readonly taskId: string;
    readonly priority: Priority;
    readonly actor: string;
    readonly reason?: string;
  },
): Promise<BumpResult> {
  return db.call('bump_task', options);
}
