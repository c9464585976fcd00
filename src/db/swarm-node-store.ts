import { sql, type RawBuilder } from 'kysely';
import type { Database } from './database.ts';
import type { SwarmNodeState } from './swarm-store.ts';

/** What a node's task was specified as, by node id. */
export async function readNodeTemplates(
  db: Database,
  swarmId: string,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const rows = await db.kysely
    .selectFrom('swarm_nodes')
    .select(['node_id', 'template'])
    .where('swarm_id', '=', swarmId)
    .where('node_id', 'in', listOf(nodeIds))
    .execute();
  return new Map(rows.map((row) => [row.node_id, row.template]));
}

/** Outputs of completed nodes, by node id (of a step: what the approver wrote); a node without one is absent. */
export async function readNodeOutputs(
  db: Database,
  swarmId: string,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.rows<{ nodeId: string; output: string }>(
    `select node_id as "nodeId", output from (
       select n.node_id, coalesce(n.output, t.output, b.body) as output
       from dash.swarm_nodes n
       left join dash.tasks t on t.id = n.task_id
       left join dash.blobs b on b.id = t.output_blob
       where n.swarm_id = $1 and n.node_id = any($2) and n.state = 'completed') nodes
     where output is not null`,
    [swarmId, nodeIds],
  );
  return new Map(rows.map(({ nodeId, output }) => [nodeId, output]));
}

/** A list as one array parameter: the statement stays the same for any number of ids, none included. */
function listOf(ids: readonly string[]): RawBuilder<string> {
  return sql`(select unnest(${[...ids]}::text[]))`;
}

/** Ends a node without a task: skipped, or failed before it could be admitted (a prompt over the limit). */
export function markNode(
  db: Database,
  options: {
    readonly swarmId: string;
    readonly nodeId: string;
    readonly state: 'failed' | 'skipped';
    readonly reason: string;
  },
): Promise<{ readonly kind: 'ok' } | { readonly kind: 'stands'; readonly state: SwarmNodeState }> {
  return db.call('mark_swarm_node', options);
}
