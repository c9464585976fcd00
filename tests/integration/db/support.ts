import type { Pool } from 'pg';
import type { TaskEnd } from '../../../src/domain/task.ts';
import { acceptTask, type NewTask } from '../../../src/db/accept.ts';
import { claimTasks, type Claim, type OfferedGateway } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { allocateOwnerEpoch, takeOwnership } from '../../../src/db/gateway-ownership.ts';
import {
  registerGateway,
  writeGatewayState,
  type NewGateway,
} from '../../../src/db/gateway-store.ts';
import type { TaskSummary } from '../../../src/db/task-record.ts';
import { newId } from '../../../src/platform/ids.ts';

export const HOST = 'host-1';

/** A request with every default filled in. */
export function taskOf(fields: Partial<NewTask> = {}): NewTask {
  return {
    id: newId('task'),
    tenant: 'default',
    pool: 'default',
    sessionKey: null,
    agent: 'main',
    prompt: 'Say something.',
    priority: 3,
    notBefore: null,
    queueLimitSeconds: null,
    deadlineAt: null,
    runLimitSeconds: 3600,
    maxAttempts: 3,
    idempotent: false,
    correlationId: 'test',
    idempotency: null,
    actor: 'tester',
    ...fields,
  };
}

export async function accept(db: Database, fields: Partial<NewTask> = {}): Promise<TaskSummary> {
  const result = await acceptTask(db, taskOf(fields));
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result.task;
}

/** An open gateway, owned by `hostId` with epoch 1. */
export async function openGateway(
  db: Database,
  gatewayId: string,
  fields: Partial<NewGateway> & { readonly hostId?: string } = {},
): Promise<OfferedGateway> {
  const { hostId = HOST, ...rest } = fields;
  await registerGateway(db, {
    id: gatewayId,
    kind: 'adopted',
    endpoint: 'ws://127.0.0.1:1',
    configuredLanes: 4,
    actor: 'tester',
    ...rest,
  });
  return own(db, gatewayId, hostId);
}

/** A new hold: the next epoch is taken by this host, the gateway is open. */
export async function own(db: Database, gatewayId: string, hostId = HOST): Promise<OfferedGateway> {
  const allocated = await allocateOwnerEpoch(db, { gatewayId });
  if (allocated.kind !== 'allocated') throw new Error(`no epoch: ${allocated.kind}`);
  const { ownerEpoch } = allocated;
  await takeOwnership(db, { gatewayId, hostId, ownerEpoch });
  await writeGatewayState(db, {
    gatewayId,
    ownerEpoch,
    state: 'open',
    reason: null,
    hint: null,
    failure: null,
  });
  return { gatewayId, ownerEpoch, lanes: 1000, score: 1, reasons: ['test'] };
}

export async function claim(
  db: Database,
  gateways: readonly OfferedGateway[],
  max = 100,
  hostId = HOST,
): Promise<Claim[]> {
  const { claims } = await claimTasks(db, { hostId, gateways, max });
  return claims;
}

/** Claims exactly one. */
export async function claimOne(db: Database, gateway: OfferedGateway): Promise<Claim> {
  const [first] = await claim(db, [gateway], 1);
  if (first === undefined) throw new Error('nothing was claimed');
  return first;
}

export function completed(output = 'done'): TaskEnd {
  return { state: 'completed', output, usage: null, failure: null };
}

export function dead(message = 'it failed'): TaskEnd {
  return {
    state: 'dead',
    output: null,
    usage: null,
    failure: { reason: 'attempts', message, lastFailure: null },
  };
}

/** Between two tests of a file: no work, no gateways, the installation's defaults. */
export async function emptyDatabase(pool: Pool): Promise<void> {
  await pool.query(`
    truncate dash.tasks, dash.attempts, dash.sessions, dash.swarms, dash.swarm_nodes, dash.blobs, dash.passes,
      dash.task_counts, dash.attempt_counts, dash.dead_letters, dash.events, dash.reconcile_findings,
      dash.budgets, dash.spending, dash.gateways, dash.gateway_credentials, dash.gateway_starts, dash.api_keys cascade;
    delete from dash.pools where id <> 'default';
    update dash.pools set match_labels = '{}', match_regions = null, match_capabilities = '{}', allowed_tenants = null;
    update dash.tenants set weight = 1, max_open_tasks = null, max_running = null;
    update dash.installation set fleet_paused = false, max_open_tasks = 10000, max_running_total = null,
      max_running_per_tenant = null, max_open_tasks_per_tenant = null, max_open_tasks_per_pool = null,
      ageing_seconds = 600`);
}
