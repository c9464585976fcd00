import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import { listApprovals, type ApprovalSummary } from '../../../src/db/approval-store.ts';
import type { Database } from '../../../src/db/database.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { eventually } from '../../support/eventually.ts';
import type { Verdict } from '../../support/row-executor.ts';
import { approvalOf, decideAs, letApprovalsExpire } from '../db/approval-support.ts';
import { withSwarmWorld, type RunningSwarm } from './support/world.ts';

const world = withSwarmWorld({ worker: 'shared' });

const echo = (prompt: string): Verdict => ({ kind: 'answer', text: `<${prompt}>` });

function release(over: object = {}, ask: object = {}) {
  return {
    name: 'release',
    nodes: [
      { id: 'draft', prompt: 'draft' },
      {
        id: 'ask',
        kind: 'approval',
        dependsOn: ['draft'],
        prompt: 'Send {{nodes.draft.output}}?',
        ...ask,
      },
      {
        id: 'send',
        dependsOn: ['ask'],
        prompt: 'send {{nodes.draft.output}}, note: {{nodes.ask.output}}',
      },
    ],
    ...over,
  };
}

async function asked(db: Database, swarm: RunningSwarm): Promise<ApprovalSummary> {
  let open: ApprovalSummary[] = [];
  await eventually(async () => {
    open = await listApprovals(db, { swarmId: swarm.swarmId, states: ['open'], limit: 5 });
    return open.length > 0;
  });
  return open[0]!;
}

/** What the api does when somebody decided about a step. */
async function decide(
  db: Database,
  swarm: RunningSwarm,
  approvalId: string,
  decision: 'approved' | 'rejected',
  comment: string | null = null,
): Promise<void> {
  const answer = await decideAs(db, approvalId, decision, 'ann', comment);
  expect(answer).toMatchObject({ kind: 'decided', swarmId: swarm.swarmId, swarmBecameDirty: true });
  await swarm.handle.signal('news');
}

describe('a step that a person completes', () => {
  it('asks with the outputs it refers to, and what the approver writes is its output (field 10)', async () => {
    const { db, submit, execute } = world();
    const executor = execute(echo);
    const swarm = await submit(release());
    const approval = await asked(db, swarm);
    expect(approval).toMatchObject({ nodeId: 'ask', taskId: null, state: 'open' });
    expect(await approvalOf(db, approval.id)).toMatchObject({ prompt: 'Send <draft>?' });
    expect((await swarm.rows()).nodes[1]).toMatchObject({
      kind: 'approval',
      state: 'admitted',
      taskId: null,
      approvalId: approval.id,
    });
    await decide(db, swarm, approval.id, 'approved', 'to the list only');
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken.map(({ prompt }) => prompt)).toEqual([
      'draft',
      'send <draft>, note: to the list only',
    ]);
  });

  it('that is rejected fails, and the swarm with it; with continue only what needs it is skipped (P31)', async () => {
    const { db, submit, execute } = world();
    execute(echo);
    const { nodes } = release();
    const [stops, goesOn] = [
      await submit(release()),
      await submit(
        release({ onFailure: 'continue', nodes: [...nodes, { id: 'other', prompt: 'other' }] }),
      ),
    ];
    for (const swarm of [stops, goesOn]) {
      await decide(db, swarm, (await asked(db, swarm)).id, 'rejected', 'no');
      await expect(swarm.end()).rejects.toBeInstanceOf(WorkflowFailedError);
      expect(await swarm.states()).toMatchObject({
        draft: 'completed',
        ask: 'failed',
        send: 'skipped',
      });
    }
    expect((await stops.rows()).nodes[1]?.reason).toBe('The approval was refused by key:ann: no');
    expect((await goesOn.states())['other']).toBe('completed');
  });

  it('whose time is over fails, or is completed, as it says, and the promoter names its swarm (P8, P31)', async () => {
    const { db, submit, execute } = world();
    execute(echo);
    const rejects = await submit(release({}, { expiresInSeconds: 3600 }));
    const approves = await submit(release({}, { expiresInSeconds: 3600, onExpiry: 'approve' }));
    for (const swarm of [rejects, approves]) await asked(db, swarm);
    await letApprovalsExpire(db);
    const { dirtySwarmIds } = await promoteDue(db);
    expect(new Set(dirtySwarmIds)).toEqual(new Set([rejects.swarmId, approves.swarmId]));
    for (const { handle } of [rejects, approves]) await handle.signal('news');
    await expect(rejects.end()).rejects.toBeInstanceOf(WorkflowFailedError);
    await expect(approves.end()).resolves.toEqual({ state: 'completed' });
    expect((await rejects.rows()).nodes[1]?.reason).toBe('Nobody gave the approval in time.');
  });

  it('is asked for no more when the swarm is cancelled, or another node fails (P28, P31)', async () => {
    const { db, submit, execute } = world();
    let fails = false;
    execute((prompt) => {
      if (prompt !== 'bad') return echo(prompt);
      return fails ? { kind: 'fail', message: 'bad' } : { kind: 'hold' };
    });
    const cancelled = await submit(release());
    const stopped = await submit(
      release({ nodes: [...release().nodes, { id: 'bad', prompt: 'bad' }] }),
    );
    const open = [await asked(db, cancelled), await asked(db, stopped)];
    await cancelled.handle.executeUpdate('cancel', { args: [{ actor: 'ann' }] });
    fails = true;
    await expect(cancelled.end()).resolves.toEqual({ state: 'cancelled' });
    await expect(stopped.end()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await cancelled.states()).toMatchObject({ ask: 'skipped', send: 'skipped' });
    expect((await stopped.rows()).nodes[1]).toMatchObject({
      state: 'skipped',
      reason: '"bad" failed and the swarm stops at the first failure',
    });
    for (const { id } of open) {
      expect(await approvalOf(db, id)).toMatchObject({ state: 'withdrawn' });
      expect(await decideAs(db, id, 'approved')).toMatchObject({ kind: 'decided-before' });
    }
  });

  it('decided during a pause is news then, and nothing starts before the resume (P31)', async () => {
    const { db, submit, execute } = world();
    const executor = execute(echo);
    const swarm = await submit(release());
    const { id } = await asked(db, swarm);
    await swarm.handle.executeUpdate('pause', { args: [{ actor: 'ann' }] });
    await decide(db, swarm, id, 'approved');
    await eventually(async () => !(await swarm.rows()).swarm.dirty);
    expect(await swarm.states()).toMatchObject({ ask: 'completed', send: 'waiting' });
    await swarm.handle.executeUpdate('resume', { args: [{ actor: 'ann' }] });
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken.at(-1)?.prompt).toBe('send <draft>, note: ');
  });

  it('as a gate on a task of a swarm shows the task with the outputs it reads (field 10)', async () => {
    const { db, submit, execute } = world();
    execute(echo);
    const swarm = await submit({
      name: 'gated',
      strategy: 'pipeline',
      steps: [
        { prompt: 'draft' },
        { prompt: 'send {{previous.output}}', approval: { approvers: ['ann'] } },
      ],
    });
    const { id, taskId } = await asked(db, swarm);
    expect(taskId).not.toBeNull();
    expect(await approvalOf(db, id)).toMatchObject({ prompt: 'send <draft>', approvers: ['ann'] });
    expect(await decideAs(db, id, 'approved', 'eve')).toMatchObject({ kind: 'not-approver' });
    expect(await decideAs(db, id, 'approved')).toMatchObject({ kind: 'decided' });
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
  });
});
