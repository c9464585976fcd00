import { describe, expect, it } from '@jest/globals';
import { setLimits } from '../../../src/db/installation-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { createSwarmActivities } from '../../../activities/swarm.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { claimFrom, runInRows, type Verdict } from '../../support/row-executor.ts';
import { withSwarmWorld } from './support/world.ts';

const world = withSwarmWorld();

const answer = (): Verdict => ({ kind: 'answer', text: 'ok' });
const by = { actor: 'ann' };

function parallel(items: number, maxParallel: number) {
  return {
    name: 'p',
    strategy: 'parallel',
    maxParallel,
    items: Array.from({ length: items }, (_, index) => `i${index}`),
    prompt: '{{item}}',
  };
}

describe('operators', () => {
  it('a pause holds what is queued and admits nothing; a resume gives it back (P31)', async () => {
    const { submit, work, execute, db, gateway } = world();
    await work();
    const swarm = await submit(parallel(4, 2));
    await eventually(async () => (await swarm.rows()).swarm.nodeCounts.admitted === 2);
    await expect(swarm.handle.executeUpdate('pause', { args: [by] })).resolves.toMatchObject({
      kind: 'recorded',
      state: 'paused',
    });
    await eventually(async () => {
      const { nodes } = await swarm.rows();
      return nodes.filter(({ taskState }) => taskState === 'held').length === 2;
    });
    expect(await claimFrom(db, gateway)).toEqual([]);
    // Asking again changes nothing.
    await swarm.handle.executeUpdate('pause', { args: [by] });
    await swarm.handle.executeUpdate('resume', { args: [by] });
    const executor = execute(answer);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken).toHaveLength(4);
  });

  it('a task that runs during a pause goes on, and the pause outlasts its end (P31)', async () => {
    const { submit, work, execute } = world();
    await work();
    let held = true;
    const swarm = await submit(parallel(2, 1));
    const executor = execute(() => (held ? { kind: 'hold' } : answer()));
    await eventually(() => executor.taken.length === 1);
    await swarm.handle.executeUpdate('pause', { args: [by] });
    held = false;
    await eventually(async () => (await swarm.rows()).swarm.nodeCounts.completed === 1);
    // The round that read this news admitted nothing.
    await eventually(async () => !(await swarm.rows()).swarm.dirty);
    expect((await swarm.rows()).swarm.nodeCounts).toMatchObject({ waiting: 1, admitted: 0 });
    await swarm.handle.executeUpdate('resume', { args: [by] });
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
  });

  it('a scale admits more at once, and never more than it says (P31)', async () => {
    const { submit, work, execute } = world();
    await work();
    const swarm = await submit(parallel(9, 1));
    let held = true;
    const executor = execute(() => (held ? { kind: 'hold' } : answer()));
    await eventually(() => executor.mostOpen() === 1);
    await swarm.handle.executeUpdate('scale', { args: [{ ...by, maxParallel: 4 }] });
    await eventually(() => executor.mostOpen() === 4);
    held = false;
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.mostOpen()).toBe(4);
  });

  it('a cancel ends what waits at once, what runs through its own cancel, and then the swarm (P28, P31)', async () => {
    const { submit, work, execute } = world();
    await work();
    const swarm = await submit(parallel(6, 4));
    const executor = execute(() => ({ kind: 'hold' }));
    await eventually(() => executor.taken.length === 4);
    await expect(swarm.handle.executeUpdate('cancel', { args: [by] })).resolves.toMatchObject({
      kind: 'recorded',
    });
    await expect(swarm.end()).resolves.toEqual({ state: 'cancelled' });
    const { swarm: row, nodes } = await swarm.rows();
    expect(row).toMatchObject({ state: 'cancelled', cancelRequested: true });
    expect(nodes.map(({ state }) => state).toSorted((a, b) => a.localeCompare(b))).toEqual([
      ...Array.from({ length: 4 }, () => 'failed'),
      ...Array.from({ length: 2 }, () => 'skipped'),
    ]);
    for (const { taskState } of nodes) expect([null, 'cancelled']).toContain(taskState);
  });
});

describe('a cancel of many', () => {
  it('signals each running task once, however many rounds follow (P28)', async () => {
    const { submit, db, gateway } = world();
    const swarm = await submit(parallel(30, 30));
    const { swarmId } = swarm;
    const signalled: string[] = [];
    const rounds = createSwarmActivities({
      db,
      clock: systemClock(),
      signalTaskCancel: async (workflowId) => void signalled.push(workflowId),
    });
    await rounds.runSwarmRound({ swarmId, waitMs: 0 });
    const claims = await claimFrom(db, gateway);
    for (const claim of claims) await runInRows(db, gateway, claim);
    await rounds.recordSwarmCommand({ swarmId, command: { kind: 'cancel', actor: 'ann' } });
    for (let round = 0; round < 3; round += 1) await rounds.runSwarmRound({ swarmId, waitMs: 0 });
    expect(claims).toHaveLength(30);
    expect(signalled).toHaveLength(30);
    expect(new Set(signalled).size).toBe(30);
    for (const { taskId, attemptId } of claims) {
      await settleTask(db, {
        taskId,
        attemptId,
        attemptOutcome: 'cancelled',
        end: { state: 'cancelled', output: null, usage: null, failure: null },
      });
    }
    expect(await rounds.runSwarmRound({ swarmId, waitMs: 0 })).toMatchObject({ kind: 'ended' });
    await swarm.handle.terminate('the test is over');
  });
});

describe('admission', () => {
  it('goes on in batches until everything that may start has started (P31)', async () => {
    const { submit, work, execute } = world();
    await work({ admitAtMost: 3 });
    const swarm = await submit(parallel(8, 8));
    // Nothing ends, so nothing but the rounds themselves can lead to the next batch.
    const executor = execute(() => ({ kind: 'hold' }));
    await eventually(() => executor.mostOpen() === 8);
    await swarm.handle.executeUpdate('cancel', { args: [by] });
    await swarm.end();
  });

  it('waits when the installation has reached its bound on open tasks, and goes on when there is room (P7)', async () => {
    const { submit, work, execute, db } = world();
    await work();
    await setLimits(db, { maxOpenTasks: 2 });
    try {
      const swarm = await submit(parallel(4, 4));
      await eventually(async () => (await swarm.rows()).swarm.nodeCounts.admitted === 2);
      const executor = execute(answer);
      await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
      expect(executor.taken).toHaveLength(4);
    } finally {
      await setLimits(db, { maxOpenTasks: 10_000 });
    }
  });

  it('two rounds of the same swarm at the same time admit each node once (P31)', async () => {
    const { submit, db } = world();
    const swarm = await submit(parallel(20, 20));
    const rounds = createSwarmActivities({
      db,
      clock: systemClock(),
      signalTaskCancel: async () => undefined,
    });
    await Promise.all(
      Array.from({ length: 4 }, () => rounds.runSwarmRound({ swarmId: swarm.swarmId, waitMs: 0 })),
    );
    const tasks = await db.rows('select id from dash.tasks where swarm_id = $1', [swarm.swarmId]);
    expect(tasks).toHaveLength(20);
    const command = { kind: 'cancel', actor: 'test' } as const;
    await rounds.recordSwarmCommand({ swarmId: swarm.swarmId, command });
    await rounds.runSwarmRound({ swarmId: swarm.swarmId, waitMs: 0 });
    await swarm.handle.terminate('the test is over');
  });
});

describe('when its worker dies', () => {
  it('a round that breaks before or after its rows are written is repeated, also by the next worker, and nothing runs twice (P31)', async () => {
    const { submit, work, execute } = world();
    let calls = 0;
    const dies = await work({
      wrap: (activities) => ({
        ...activities,
        async runSwarmRound(input) {
          calls += 1;
          if (calls === 1) throw new Error('dies before anything is written');
          const round = await activities.runSwarmRound(input);
          if (calls === 2) throw new Error('dies after everything is written, before it is told');
          return round;
        },
      }),
    });
    const swarm = await submit(parallel(5, 2));
    await eventually(() => calls >= 3);
    await dies.stop();
    await work();
    const executor = execute(answer);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken).toHaveLength(5);
    expect(executor.mostOpen()).toBeLessThanOrEqual(2);
  });

  it('a swarm runs to its end when every step is replayed from the first event (maxCachedWorkflows 0)', async () => {
    const { submit, work, execute } = world();
    await work({ maxCachedWorkflows: 0 });
    const swarm = await submit({
      name: 'd',
      onFailure: 'continue',
      nodes: [
        { id: 'a', prompt: 'a' },
        { id: 'b', prompt: 'b {{nodes.a.output}}', dependsOn: ['a'] },
        { id: 'c', prompt: 'c', dependsOn: ['b'] },
      ],
    });
    execute((prompt) => (prompt === 'c' ? { kind: 'fail', message: 'no' } : answer()));
    await swarm.handle.executeUpdate('scale', { args: [{ ...by, maxParallel: 3 }] });
    await expect(swarm.end()).rejects.toMatchObject({ cause: { type: 'SwarmFailed' } });
    expect(await swarm.states()).toEqual({ a: 'completed', b: 'completed', c: 'failed' });
  });
});
