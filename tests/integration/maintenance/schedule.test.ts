import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newSwarmOf } from '../../../src/admission/new-work.ts';
import { listFindings } from '../../../src/db/finding-store.ts';
import { acceptSwarm, getSwarm } from '../../../src/db/swarm-store.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { MAINTENANCE_SCHEDULE_ID } from '../../../src/domain/maintenance.ts';
import { parseSwarmSpec } from '../../../src/domain/swarm-spec.ts';
import { taskWorkflowId } from '../../../src/domain/names.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { ensureSchedules } from '../../../src/temporal/schedules.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

/** Everything real but the gateway: what the Schedule finds is repaired by the workflows that run in production. */

let dash: TestDash;
let gateway: FakeGateway;

beforeAll(async () => {
  dash = await startTestDash({ reconcileEveryMs: 1_000 });
  await dash.startHost('host-a');
  gateway = await dash.addGateway('gw-1');
}, 60_000);
afterAll(() => dash?.close());

async function age(statement: string, id: string): Promise<void> {
  await dash.database.db.rows(statement.replace('AGO', `now() - interval '2 minutes'`), [id]);
}

describe('the maintenance schedule', () => {
  it('is made once, however many workers ask for it, and never runs twice at a time (P35)', async () => {
    const { client } = dash.temporal;
    await Promise.all([
      ensureSchedules({ client, everyMs: 1_000 }),
      ensureSchedules({ client, everyMs: 1_000 }),
    ]);
    const schedules: string[] = [];
    await eventually(async () => {
      schedules.splice(0);
      for await (const { scheduleId } of client.schedule.list()) schedules.push(scheduleId);
      return schedules.length > 0;
    });
    expect(schedules).toEqual([MAINTENANCE_SCHEDULE_ID]);
    const { policies, spec } = await client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 30_000 });
    expect(spec.intervals).toMatchObject([{ every: 1_000 }]);
  });

  it('a swarm whose workflow nobody started is found, started, and runs to its end (P31, P35)', async () => {
    const { db } = dash.database;
    const written = {
      name: 'forgotten',
      nodes: [
        { id: 'a', prompt: 'first [[say:one]]' },
        { id: 'b', prompt: 'then {{nodes.a.output}}', dependsOn: ['a'] },
      ],
    };
    const parsed = parseSwarmSpec(written);
    if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
    const admission = {
      tenant: 'default',
      correlationId: 'test',
      idempotency: null,
      actor: 'test',
    };
    const swarm = newSwarmOf(parsed, written, admission);
    const swarmId = swarm.id;
    await acceptSwarm(db, swarm);
    await age('update dash.swarms set created_at = AGO where id = $1', swarmId);
    await eventually(async () => (await getSwarm(db, swarmId))?.swarm.state === 'completed', {
      timeoutMs: 30_000,
    });
    const found = (await listFindings(db, { limit: 100 })).filter(
      ({ subject }) => subject === swarmId,
    );
    expect(found).toMatchObject([{ kind: 'swarm-without-workflow', repaired: true }]);
  }, 60_000);

  it('a task whose workflow a person terminated is carried on: the run goes on, one answer, one execution (P17, P35)', async () => {
    const { db } = dash.database;
    const { client } = dash.temporal;
    const taskId = await dash.submit({ prompt: 'slow [[sleep:4000]] [[say:still here]]' });
    await eventually(() => gateway.log.runsStarted(taskId).length === 1);
    await client.workflow.getHandle(taskWorkflowId(taskId)).terminate('by a person');
    await age('update dash.tasks set updated_at = AGO where id = $1', taskId);
    const task = await dash.ended(taskId, 40_000);
    expect(task).toMatchObject({ state: 'completed', output: 'still here' });
    expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
    const row = await getTask(db, taskId);
    expect(row?.workflowId).toBe(taskWorkflowId(taskId, 1));
    await expect(client.workflow.getHandle(taskWorkflowId(taskId, 1)).result()).resolves.toEqual({
      state: 'completed',
    });
  }, 60_000);

  it('disagreements that are forced are found within one interval: by the next round (R28)', async () => {
    const { db } = dash.database;
    const schedule = dash.temporal.client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID);
    const rounds = async (): Promise<number> => (await schedule.describe()).info.numActionsTaken;
    const notBefore = new Date(Date.now() + 3_600_000).toISOString();
    const headless = await dash.submit({ prompt: 'x', sessionKey: 'forced', notBefore });
    const conflict = await dash.submit({ prompt: 'x', notBefore });
    const before = await rounds();
    await age(
      `update dash.tasks set state = 'waiting', due_at = null, updated_at = AGO where id = $1`,
      headless,
    );
    await age(
      `update dash.tasks set state = 'blocked', state_reason = 'conflict', updated_at = AGO where id = $1`,
      conflict,
    );
    const kinds = async (): Promise<readonly string[]> =>
      (await listFindings(db, { limit: 1_000 }))
        .filter(({ kind, subject }) => subject === conflict || kind === 'session-without-head')
        .map(({ kind }) => kind)
        .toSorted();
    await eventually(async () => (await kinds()).length === 2, { timeoutMs: 20_000 });
    expect(await kinds()).toEqual(['session-without-head', 'task-in-conflict']);
    // The round that was under way already, and the next one.
    expect((await rounds()) - before).toBeLessThanOrEqual(2);
    for (const taskId of [headless, conflict]) await dash.ended(taskId);
  }, 60_000);

  it('when everything agrees a round finds nothing, says so, and no ledger differs (P35)', async () => {
    const { client } = dash.temporal;
    const before = (await listFindings(dash.database.db, { limit: 1_000 })).length;
    const described = client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID);
    const rounds = (await described.describe()).info.numActionsTaken;
    await eventually(async () => (await described.describe()).info.numActionsTaken >= rounds + 2, {
      timeoutMs: 20_000,
    });
    const recent = (await described.describe()).info.recentActions.at(-2)?.action;
    if (recent?.type !== 'startWorkflow') throw new Error('no round was taken');
    const { workflowId } = recent.workflow;
    await expect(client.workflow.getHandle(workflowId).result()).resolves.toEqual({
      found: {},
      repaired: 0,
      suspects: [],
    });
    expect(await listFindings(dash.database.db, { limit: 1_000 })).toHaveLength(before);
  }, 60_000);
});
