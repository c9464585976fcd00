import { beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { connectionConfig } from '../../../src/db/database.ts';
import { withDatabase, type TestDatabase } from '../../support/database.ts';
import { openGateway } from './support.ts';

/**
 * What the claim reads at 100 000 open tasks, as PostgreSQL itself reports it (auto_explain with the statements
 * inside the functions): no scan of the table, no sort of it, and a handful of rows through the claim's indexes.
 */

const TASKS = 100_000;
/** Per claim of one: candidates of 20 tenants on 5 levels, and the rows that it writes. */
const MOST_ROWS_READ = 150;

const MIXES = {
  plain: `select 't' || (1 + i % 20), 'queued', null::timestamptz, null::text, 1 + i % 5 from generate_series(1, ${TASKS}) i`,
  'one tenant at its cap': `select 'capped', 'queued', null::timestamptz, null::text, 1 + i % 5 from generate_series(1, ${TASKS}) i`,
  'all pinned to a full gateway': `select 't' || (1 + i % 20), 'queued', null::timestamptz, 'full', 1 + i % 5 from generate_series(1, ${TASKS}) i`,
  'all in the future': `select 't' || (1 + i % 20), 'scheduled', now() + interval '1 day', null::text, 1 + i % 5 from generate_series(1, ${TASKS}) i`,
};

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

describe.each(Object.entries(MIXES))('a claim at 100 000 open tasks, %s', (_mix, rows) => {
  const database = withDatabase();

  beforeAll(async () => {
    await prepare(database(), rows);
  }, 120_000);

  it.each(['statistics of an empty queue', 'fresh statistics'])(
    'walks the claim’s indexes and neither scans nor sorts the tasks, with %s (P11)',
    async (statistics) => {
      const { url } = database();
      if (statistics === 'fresh statistics') await analyze(url);
      await acceptOneMore(database());
      const { claims, plans } = await explainedClaim(url);
      expect(claims).toBe(1);
      const nodes = plans.flatMap(flatten);
      const onTasks = nodes.filter((node) => /tasks/.test(node['Relation Name'] ?? ''));
      expect(onTasks.length).toBeGreaterThan(0);
      expect(onTasks.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
      expect(nodes.filter((node) => /Bitmap/.test(node['Node Type']))).toEqual([]);
      const indexes = new Set(onTasks.flatMap((node) => node['Index Name'] ?? []));
      expect([...indexes].toSorted()).toEqual([
        'tasks_claimable',
        'tasks_claimable_pinned',
        'tasks_pkey',
        // Whether anything is queued at all.
        'tasks_state_seq',
      ]);
      expect(plans.filter((plan) => sortsTasks(plan))).toEqual([]);
      const read = onTasks.reduce((sum, node) => sum + rowsRead(node), 0);
      expect(read).toBeLessThan(MOST_ROWS_READ);
    },
  );
});

async function prepare(database: TestDatabase, rows: string): Promise<void> {
  const { db } = database;
  await openGateway(db, 'g1', { configuredLanes: 100, hostId: 'planner' });
  await openGateway(db, 'full', { configuredLanes: 1, hostId: 'planner' });
  await db.rows(`insert into dash.tenants (id) select 't' || i from generate_series(1, 20) i`);
  await db.rows(`insert into dash.tenants (id) values ('capped')`);
  // The bulk of the rows takes longer than a transaction of Dash may.
  const client = new pg.Client(connectionConfig(database.url, 'fill', 0));
  await client.connect();
  await client.query('analyze');
  // The rows fit together; checking that for each would take most of the time.
  await client.query('set session_replication_role = replica');
  await client.query('alter table dash.tasks set (autovacuum_enabled = false)');
  await client.query(`
    insert into dash.tasks
      (id, seq, tenant, pool, agent, prompt, state, due_at, pinned_gateway, priority, effective_priority,
       workflow_id, correlation_id)
    select 'fill-' || row_number() over (), nextval('dash.events_seq'), x.tenant, 'default', 'main', 'A prompt.',
           x.state, x.due_at, x.pinned, x.priority, x.priority, 'w', 'c'
    from (${rows}) as x (tenant, state, due_at, pinned, priority)`);
  await client.query(
    `update dash.installation set max_open_tasks = 1000000, max_running_per_tenant = 1`,
  );
  // The tenant at its cap, and the gateway that is full.
  await client.query(`
    insert into dash.tasks
      (id, seq, tenant, pool, agent, prompt, state, priority, effective_priority, workflow_id, correlation_id, last_attempt)
    values ('running', nextval('dash.events_seq'), 'capped', 'default', 'main', 'p', 'dispatched', 1, 1, 'w', 'c', 1);
    insert into dash.attempts (id, task_id, number, tenant, gateway_id, owner_epoch, state)
    values (gen_random_uuid(), 'running', 1, 'capped', 'full', 1, 'planned')`);
  await client.end();
}

/** On a busy machine this takes longer than a transaction of Dash may. */
async function analyze(url: string): Promise<void> {
  const client = new pg.Client(connectionConfig(url, 'analyze', 0));
  await client.connect();
  await client.query('analyze dash.tasks');
  await client.end();
}

/** One that can be claimed in every mix: of a tenant of its own, and less urgent than most. */
async function acceptOneMore(database: TestDatabase): Promise<void> {
  await database.db.rows(`
    with tenant as (
      insert into dash.tenants (id) values ('late-' || nextval('dash.events_seq')) returning id)
    insert into dash.tasks
      (id, seq, tenant, pool, agent, prompt, state, priority, effective_priority, workflow_id, correlation_id)
    select id, nextval('dash.events_seq'), id, 'default', 'main', 'p', 'queued', 5, 5, 'w', 'c' from tenant`);
}

async function explainedClaim(url: string): Promise<{ claims: number; plans: PlanNode[] }> {
  const client = new pg.Client(connectionConfig(url, 'explain', 0));
  await client.connect();
  try {
    const plans: PlanNode[] = [];
    await client.query(`
      load 'auto_explain';
      set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on;
      set auto_explain.log_analyze = on;
      set auto_explain.log_timing = off;
      set auto_explain.log_format = json;
      set auto_explain.log_level = notice`);
    client.on('notice', ({ message }) => {
      const json = /\{[\s\S]*\}$/.exec(message ?? '')?.[0];
      if (json !== undefined) plans.push((JSON.parse(json) as { Plan: PlanNode }).Plan);
    });
    const { rows } = await client.query<{ claims: number }>(
      `select jsonb_array_length(dash.claim($1)->'claims') as claims`,
      [
        JSON.stringify({
          hostId: 'planner',
          max: 1,
          gateways: [
            { gatewayId: 'g1', ownerEpoch: 1, lanes: 100, score: 1, reasons: [] },
            { gatewayId: 'full', ownerEpoch: 1, lanes: 100, score: 9, reasons: [] },
          ],
        }),
      ],
    );
    return { claims: rows[0]?.claims ?? 0, plans };
  } finally {
    await client.end();
  }
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

function sortsTasks(plan: PlanNode): boolean {
  return flatten(plan).some(
    (node) =>
      /Sort/.test(node['Node Type']) &&
      flatten(node).some((below) => below['Relation Name'] === 'tasks' && rowsRead(below) > 1),
  );
}

function rowsRead(node: PlanNode): number {
  const removed =
    (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Rows'] + removed) * node['Actual Loops'];
}
