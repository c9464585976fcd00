import type { DashClient } from '../src/contract/client.ts';
import type { SwarmNode } from '../src/contract/swarms.ts';
import type { SwarmView } from './swarm-outcome.ts';
import { attemptsOf, type TaskOutcome } from './task-outcome.ts';

/** A node and how its task ended; null: it never had a task. */
export interface NodeResult {
  readonly node: SwarmNode;
  readonly outcome: TaskOutcome | null;
}

/** How each node ended, in the order of the specification. */
export async function readNodeResults(
  client: DashClient,
  { nodes }: SwarmView,
): Promise<readonly NodeResult[]> {
  const results: NodeResult[] = [];
  for (const node of nodes) results.push({ node, outcome: await readOutcome(client, node.taskId) });
  return results;
}

/** How one task stands, with its attempts; null without a task. */
export async function readOutcome(
  client: DashClient,
  taskId: string | null,
): Promise<TaskOutcome | null> {
  if (taskId === null) return null;
  const task = await client.tasks.get({ params: { taskId } });
  return { task, attempts: await attemptsOf(client, taskId) };
}
