import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { SwarmActivities } from '../../../activities/swarm.ts';
import type { SwarmCommand, SwarmRound } from '../../../src/domain/swarm-round.ts';
import { eventually } from '../../support/eventually.ts';
import { connectTestTemporal, type RunningWorker, type TestTemporal } from './support/temporal.ts';

/** The process alone: its activities are played, so that every round is chosen by the test. */

const workflowsPath = join(import.meta.dirname, '../../../workflows/swarm.ts');

let temporal: TestTemporal;
let shared: RunningWorker | undefined;
/** Swarm id → who plays its rows. */
const played = new Map<string, SwarmActivities>();

beforeAll(async () => {
  temporal = await connectTestTemporal(workflowsPath);
  shared = await temporal.startWorker({
    taskQueue: `${temporal.prefix}-shared`,
    activities: {
      runSwarmRound: (input) => rowsOf(input.swarmId).runSwarmRound(input),
      recordSwarmCommand: (input) => rowsOf(input.swarmId).recordSwarmCommand(input),
    } satisfies SwarmActivities,
  });
});
afterAll(async () => {
  await shared?.stop();
  await temporal?.close();
});

function rowsOf(swarmId: string): SwarmActivities {
  const rows = played.get(swarmId);
  if (rows === undefined) throw new Error(`nobody plays the rows of ${swarmId}`);
  return rows;
}

function open(over: Partial<Extract<SwarmRound, { kind: 'open' }>> = {}): SwarmRound {
  return {
    kind: 'open',
    state: 'running',
    maxParallel: 2,
    cancelRequested: false,
    progress: { waiting: 1, admitted: 1, completed: 0, failed: 0, skipped: 0 },
    againAfterMs: null,
    ...over,
  };
}

const completed: SwarmRound = { kind: 'ended', state: 'completed', reason: null };

/** Answers each round from `next`; remembers when rounds began and what was recorded. */
function playedRows(next: (round: number) => SwarmRound | Promise<SwarmRound>) {
  const roundsAt: number[] = [];
  const waits: number[] = [];
  const commands: SwarmCommand[] = [];
  const activities: SwarmActivities = {
    async runSwarmRound({ waitMs }) {
      waits.push(waitMs);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      roundsAt.push(Date.now());
      return next(roundsAt.length);
    },
    async recordSwarmCommand({ command }) {
      commands.push(command);
      return { kind: 'recorded', state: 'running', maxParallel: 2 };
    },
  };
  return { activities, roundsAt, waits, commands };
}

/** Without `activities` on a queue of its own, which nobody polls yet. */
async function start(name: string, activities?: SwarmActivities) {
  const taskQueue = `${temporal.prefix}-${activities === undefined ? name : 'shared'}`;
  if (activities !== undefined) played.set(name, activities);
  const handle = await temporal.client.workflow.start('swarmWorkflow', {
    workflowId: `${temporal.prefix}/swarm/${name}`,
    taskQueue,
    args: [{ swarmId: name }],
  });
  return { handle, taskQueue };
}

describe('rounds', () => {
  it('the first comes without a signal, and without news no other follows (P31)', async () => {
    const rows = playedRows((round) => (round === 2 ? completed : open()));
    const { handle } = await start('first', rows.activities);
    await eventually(() => rows.roundsAt.length === 1);
    await handle.query('__stack_trace');
    expect(rows.roundsAt).toHaveLength(1);
    await handle.signal('news');
    await expect(handle.result()).resolves.toEqual({ state: 'completed' });
    expect(rows.roundsAt).toHaveLength(2);
  });

  it('a burst of news is read in one round, at least 100 ms after the last one (P31)', async () => {
    let burst = false;
    const rows = playedRows(() => (burst ? completed : open()));
    const { handle } = await start('burst', rows.activities);
    await eventually(() => rows.roundsAt.length === 1);
    await handle.signal('news');
    await eventually(() => rows.roundsAt.length === 2);
    const before = rows.roundsAt.length;
    await Promise.all(Array.from({ length: 20 }, () => handle.signal('news')));
    burst = true;
    await handle.signal('news');
    await handle.result();
    expect(rows.roundsAt.length - before).toBeLessThanOrEqual(4);
    const { events } = await handle.fetchHistory();
    const at = (kind: 'Scheduled' | 'Completed'): number[] =>
      (events ?? [])
        .filter((event) => event[`activityTask${kind}EventAttributes`])
        .map(
          (event) => Number(event.eventTime?.seconds) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6,
        );
    const ends = at('Completed');
    const gaps = at('Scheduled')
      .slice(1)
      .map((scheduled, index) => scheduled + (rows.waits[index + 1] ?? 0) - (ends[index] ?? 0));
    expect(gaps.length).toBeGreaterThanOrEqual(2);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(100);
    // No timer: those of Temporal may be a second late.
    expect(events?.some((event) => event.timerStartedEventAttributes)).toBe(false);
  });

  it('a round whose worker was killed is played again within 15 s, not after a minute (P31)', async () => {
    let release: () => void = () => undefined;
    const killed = new Promise<SwarmRound>((resolve) => (release = () => resolve(open())));
    const rows = playedRows((round) => (round === 1 ? killed : completed));
    const { handle } = await start('killed', rows.activities);
    try {
      await expect(handle.result()).resolves.toEqual({ state: 'completed' });
      const [first = 0, second = 0] = rows.roundsAt;
      expect(second - first).toBeLessThan(15_000);
    } finally {
      release();
    }
  }, 40_000);

  it('news that arrive while a round runs lead to another round (P31)', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const rows = playedRows(async (round) => {
      if (round === 1) await held;
      return round === 1 ? open() : completed;
    });
    const { handle } = await start('during', rows.activities);
    await eventually(() => rows.roundsAt.length === 1);
    await handle.signal('news');
    release();
    await handle.result();
    expect(rows.roundsAt).toHaveLength(2);
  });

  it('a round that asks for another gets it without news (P31)', async () => {
    const rows = playedRows((round) => (round === 3 ? completed : open({ againAfterMs: 0 })));
    const { handle } = await start('again', rows.activities);
    await handle.result();
    expect(rows.roundsAt).toHaveLength(3);
  });
});

describe('operators', () => {
  it('updates answer when their wish is recorded, also those sent before any worker ran, in order (P31)', async () => {
    let cancelled = false;
    const rows = playedRows(() =>
      cancelled ? { kind: 'ended', state: 'cancelled', reason: 'cancelled on request' } : open(),
    );
    const { handle, taskQueue } = await start('updates');
    const early = handle.executeUpdate('pause', { args: [{ actor: 'ann' }] });
    await temporal.withWorker({ taskQueue, activities: rows.activities }, async () => {
      await expect(early).resolves.toEqual({ kind: 'recorded', state: 'running', maxParallel: 2 });
      await handle.executeUpdate('resume', { args: [{ actor: 'ann' }] });
      await handle.executeUpdate('scale', { args: [{ actor: 'bob', maxParallel: 7 }] });
      cancelled = true;
      await handle.executeUpdate('cancel', { args: [{ actor: 'bob' }] });
      await expect(handle.result()).resolves.toEqual({ state: 'cancelled' });
    });
    expect(rows.commands).toEqual([
      { kind: 'pause', actor: 'ann' },
      { kind: 'resume', actor: 'ann' },
      { kind: 'scale', actor: 'bob', maxParallel: 7 },
      { kind: 'cancel', actor: 'bob' },
    ]);
  });

  it('a scale outside 1 to 1 000 is refused and leaves no trace in the history (P31)', async () => {
    const rows = playedRows((round) => (round === 2 ? completed : open()));
    const { handle } = await start('scale', rows.activities);
    for (const maxParallel of [0, 1_001, 2.5]) {
      const refused = handle.executeUpdate('scale', { args: [{ actor: 'ann', maxParallel }] });
      await expect(refused).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    }
    await handle.signal('news');
    await handle.result();
    expect(rows.commands).toEqual([]);
    const { events } = await handle.fetchHistory();
    const updates = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
    expect(updates).toEqual([]);
  });

  it('a Temporal cancel is the same request as the update, and the process goes on to the end (P28)', async () => {
    let cancelled = false;
    const rows = playedRows(() =>
      cancelled ? { kind: 'ended', state: 'cancelled', reason: null } : open(),
    );
    const { handle } = await start('temporal-cancel', rows.activities);
    await eventually(() => rows.roundsAt.length === 1);
    await handle.cancel();
    await eventually(() => rows.commands.length === 1);
    expect(rows.commands).toEqual([{ kind: 'cancel', actor: 'temporal' }]);
    // An operator is still heard after it.
    await handle.executeUpdate('pause', { args: [{ actor: 'ann' }] });
    cancelled = true;
    await handle.signal('news');
    await expect(handle.result()).resolves.toEqual({ state: 'cancelled' });
  });
});

describe('ends', () => {
  it('a failed swarm ends as Failed of type SwarmFailed, with its reason (swarm specification)', async () => {
    const rows = playedRows(() => ({ kind: 'ended', state: 'failed', reason: '"b" failed' }));
    const { handle } = await start('failed', rows.activities);
    const failure = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause).toMatchObject({ type: 'SwarmFailed' });
    expect((cause as Error).message).toContain('"b" failed');
    expect((await handle.describe()).status.name).toBe('FAILED');
  });

  it('Temporal Web is told in words where the swarm stands (architecture 4)', async () => {
    const rows = playedRows((round) => (round === 2 ? completed : open()));
    const { handle } = await start('words', rows.activities);
    await eventually(() => rows.roundsAt.length === 1);
    const details = await eventually(async () => {
      const metadata = await handle.query<{ currentDetails?: string }>(
        '__temporal_workflow_metadata',
      );
      return metadata.currentDetails;
    });
    expect(details).toBe('Runs: **0 of 2** done; 1 open (at most 2), 1 to come.');
    await handle.signal('news');
    await handle.result();
  });

  it('at 2 000 events the swarm goes on in a new run, and loses no news and no operator (P31)', async () => {
    let over = false;
    const rows = playedRows(() => (over ? completed : open()));
    const { handle } = await start('long', rows.activities);
    const latest = temporal.client.workflow.getHandle(handle.workflowId);
    const goesOn = async (): Promise<boolean> =>
      (await latest.describe()).runId !== handle.firstExecutionRunId;
    for (let batch = 0; batch < 60 && !(await goesOn()); batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => latest.signal('news')));
      // An update that a continue-as-new meets is asked again of the new run: wishes are idempotent.
      const scaled = latest.executeUpdate('scale', {
        args: [{ actor: 'ann', maxParallel: batch + 1 }],
      });
      await expect(scaled).resolves.toMatchObject({ kind: 'recorded' });
    }
    await expect(goesOn()).resolves.toBe(true);
    over = true;
    await latest.signal('news');
    await expect(latest.result()).resolves.toEqual({ state: 'completed' });
    const first = temporal.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    const { events } = await first.fetchHistory();
    expect(events?.length).toBeGreaterThanOrEqual(2_000);
    expect(events?.length).toBeLessThan(3_000);
    expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
  }, 120_000);

  it('replays from the first event at every step (maxCachedWorkflows 0)', async () => {
    const rows = playedRows((round) => (round === 4 ? completed : open({ againAfterMs: 0 })));
    const { handle, taskQueue } = await start('uncached');
    const worker = { taskQueue, activities: rows.activities, maxCachedWorkflows: 0 };
    await temporal.withWorker(worker, async () => {
      await handle.executeUpdate('pause', { args: [{ actor: 'ann' }] });
      await expect(handle.result()).resolves.toEqual({ state: 'completed' });
    });
    expect(rows.commands).toHaveLength(1);
  });
});
