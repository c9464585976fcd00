import { sql } from 'kysely';
import type { Priority, TaskState } from '../domain/task.ts';
import type { Database } from './database.ts';
import type { TaskRecord, TaskSummary } from './task-record.ts';

/** A task with its texts; null: there is none. */
export function getTask(db: Database, taskId: string): Promise<TaskRecord | null> {
  return db.call('get_task', { taskId });
}

export interface TaskFilter {
  readonly states?: readonly TaskState[];
  readonly tenant?: string;
  readonly pool?: string;
  readonly sessionKey?: string;
  readonly swarmId?: string;
  readonly scheduleId?: string;
  readonly priority?: Priority;
}

/** Newest first; `before` is the seq of the last one of the page before. */
export async function listTasks(
  db: Database,
  options: { readonly filter?: TaskFilter; readonly before?: number; readonly limit: number },
): Promise<TaskSummary[]> {
  const { filter = {}, before, limit } = options;
  const { states, tenant, pool, sessionKey, swarmId, scheduleId, priority } = filter;
  const rows = await db.kysely
    .selectFrom('tasks')
    .select(sql<TaskSummary>`dash.task_summary(tasks)`.as('task'))
    .$if(states !== undefined, (query) => query.where('state', 'in', [...(states ?? [])]))
    .$if(tenant !== undefined, (query) => query.where('tenant', '=', tenant ?? ''))
    .$if(pool !== undefined, (query) => query.where('pool', '=', pool ?? ''))
    .$if(sessionKey !== undefined, (query) => query.where('session_key', '=', sessionKey ?? ''))
    .$if(swarmId !== undefined, (query) => query.where('swarm_id', '=', swarmId ?? ''))
    .$if(scheduleId !== undefined, (query) => query.where('schedule_id', '=', scheduleId ?? ''))
    .$if(priority !== undefined, (query) => query.where('priority', '=', priority ?? 0))
    .$if(before !== undefined, (query) => query.where('seq', '<', before ?? 0))
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => row.task);
}
