import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ScheduleOverlapPolicy, WorkflowFailedError } from '@temporalio/client';
import type { MaintenanceActivities } from '../../../activities/maintenance/maintenance.ts';
import { MISMATCH_KINDS, type MaintenanceSummary } from '../../../src/domain/maintenance.ts';
import { gatewayControlQueue } from '../../../src/domain/names.ts';
import { eventually } from '../../support/eventually.ts';
import {
  connectTestTemporal,
  type RunningWorker,
  type TestTemporal,
} from '../swarm/support/temporal.ts';

/** The process alone: its activities are played. */

const workflowsPath = join(import.meta.dirname, '../../../workflows/maintenance.ts');

let temporal: TestTemporal;
let taskQueue: string;
let worker: RunningWorker | undefined;
let played: Partial<MaintenanceActivities> = {};
const nothing = { found: 0, repaired: 0, next: null };

beforeAll(async () => {
  temporal = await connectTestTemporal(workflowsPath);
  taskQueue = `${temporal.prefix}-control`;
  worker = await temporal.startWorker({
    taskQueue,
    activities: {
      reconcilePage: async (input) => played.reconcilePage?.(input) ?? nothing,
      gatewaysToAsk: async () => played.gatewaysToAsk?.() ?? [],
      compareWithRows: async (input) =>
        played.compareWithRows?.(input) ?? { found: 0, suspects: [] },
    } satisfies MaintenanceActivities,
  });
});
afterAll(async () => {
  await worker?.stop();
  await temporal?.close();
});

async function run(name: string, activities: Partial<MaintenanceActivities>) {
  played = activities;
  return temporal.client.workflow.execute('maintenanceWorkflow', {
    workflowId: `${temporal.prefix}/${name}`,
    taskQueue,
  }) as Promise<MaintenanceSummary>;
}

describe('one round of maintenance', () => {
  it('looks for every kind, page by page, and sums up what it found (P35)', async () => {
    const asked: string[] = [];
    const summary = await run('pages', {
      async reconcilePage({ kind, after }) {
        asked.push(`${kind} ${after ?? '-'}`);
        if (kind !== 'swarm-unread') return nothing;
        return { found: 1, repaired: 1, next: after === null ? 's1' : null };
      },
    });
    expect(summary).toEqual({ found: { 'swarm-unread': 2 }, repaired: 2, suspects: [] });
    expect(asked.filter((one) => !one.startsWith('swarm-unread'))).toEqual(
      MISMATCH_KINDS.filter((kind) => kind !== 'swarm-unread').map((kind) => `${kind} -`),
    );
    expect(asked).toContain('swarm-unread s1');
  });

  it('a kind that cannot be looked at keeps no other waiting, and the round says so as Failed (P35)', async () => {
    const asked = new Set<string>();
    const round = run('incomplete', {
      async reconcilePage({ kind }) {
        asked.add(kind);
        if (kind === MISMATCH_KINDS[0]) throw new Error('no database');
        return nothing;
      },
    });
    const failure = await round.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause).toMatchObject({
      type: 'ReconcileIncomplete',
      message: expect.stringContaining(MISMATCH_KINDS[0]),
    });
    expect([...asked]).toEqual([...MISMATCH_KINDS]);
  });

  it('a sweep that never ends is left for the next minute (P35)', async () => {
    let pages = 0;
    await run('endless', {
      async reconcilePage({ kind }) {
        if (kind !== 'owner-gone') return nothing;
        pages += 1;
        return { found: 0, repaired: 0, next: 'more' };
      },
    });
    expect(pages).toBe(25);
  });

  it('owners are asked on their own queue; what they report is compared, and one that is silent stops nothing (P33, P35)', async () => {
    const gateway = `${temporal.prefix}-g1`;
    const owner = await temporal.startWorker({
      taskQueue: gatewayControlQueue(gateway),
      activities: { reportExecuting: async () => [{ sessionKey: 's', runId: 'r' }] },
    });
    const compared: unknown[] = [];
    try {
      await run('owners', {
        gatewaysToAsk: async () => [gateway, `${temporal.prefix}-silent`],
        async compareWithRows(input) {
          compared.push(input);
          return { found: 0, suspects: [] };
        },
      });
    } finally {
      await owner.stop();
    }
    expect(compared).toEqual([
      { gatewayId: gateway, reported: [{ sessionKey: 's', runId: 'r' }], seenBefore: [] },
    ]);
  });

  it('a round is told what the one before suspected (P35)', async () => {
    const gateway = `${temporal.prefix}-g2`;
    const seen: (readonly string[])[] = [];
    played = {
      gatewaysToAsk: async () => [gateway],
      async compareWithRows({ seenBefore }) {
        seen.push(seenBefore);
        return { found: seenBefore.length, suspects: [`${gateway} idle a1`] };
      },
    };
    const owner = await temporal.startWorker({
      taskQueue: gatewayControlQueue(gateway),
      activities: { reportExecuting: async () => [] },
    });
    const schedule = await temporal.client.schedule.create({
      scheduleId: `${temporal.prefix}-schedule`,
      spec: { intervals: [{ every: 1_000 }] },
      action: { type: 'startWorkflow', workflowType: 'maintenanceWorkflow', taskQueue, args: [] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP },
    });
    try {
      await eventually(() => seen.some((keys) => keys.length > 0), { timeoutMs: 20_000 });
    } finally {
      await schedule.delete();
      await owner.stop();
    }
    expect(seen[0]).toEqual([]);
    expect(seen.at(-1)).toEqual([`${gateway} idle a1`]);
  });
});
