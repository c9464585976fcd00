import type { Credential } from '../src/auth/credential.ts';
import type { TaskRecord } from '../src/db/task-record.ts';
import { getTask } from '../src/db/task-store.ts';
import type { ApiDeps } from './api-deps.ts';
import { notFound } from './refusals.ts';
import { maySee } from './tenancy.ts';

/** The task, if there is one that the credential may see; else the problem that says so. */
export async function visibleTask(
  deps: ApiDeps,
  credential: Credential,
  taskId: string,
): Promise<TaskRecord> {
  const task = await getTask(deps.db, taskId);
  if (task === null || !maySee(credential, task.tenant)) throw notFound('task', taskId);
  return task;
}
