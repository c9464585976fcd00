import { beforeEach, describe, expect, it } from '@jest/globals';
import { openApprovalStep, withdrawApprovalStep } from '../../../src/db/approval-store.ts';
import type { Database } from '../../../src/db/database.ts';
import { promoteDue } from '../../../src/db/due.ts';
import {
  acceptSwarm,
  getSwarm,
  requestSwarmCancel,
  setSwarmState,
  takeNews,
} from '../../../src/db/swarm-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { withDatabase } from '../../support/database.ts';
import {
  approvalEvents,
  approvalOf,
  decideAs,
  gateOf,
  letApprovalsExpire,
} from './approval-support.ts';
import { emptyDatabase } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

async function swarmWithStep(db: Database): Promise<string> {
  const swarmId = newId('swarm');
  const accepted = await acceptSwarm(db, {
    id: swarmId,
    tenant: 'default',
    name: 'n',
    spec: {},
    onFailure: 'continue',
    maxParallel: 5,
    correlationId: 'c',
    idempotency: null,
    actor: null,
    nodes: [{ nodeId: 'ask', kind: 'approval', dependsOn: [], pool: null, template: {} }],
  });
  expect(accepted.kind).toBe('accepted');
  await takeNews(db, swarmId);
  return swarmId;
}

function open(db: Database, swarmId: string, gate = gateOf({ prompt: 'may it?' })) {
  return openApprovalStep(db, { swarmId, nodeId: 'ask', approvalId: newId('approval'), gate });
}

describe('an approval step', () => {
  it('is opened once, however often it is asked for (P31)', async () => {
    const { db } = database();
    const swarmId = await swarmWithStep(db);
    const answers = await Promise.all([open(db, swarmId), open(db, swarmId), open(db, swarmId)]);
    const kinds = answers.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b));
    expect(kinds).toEqual(['existing', 'existing', 'opened']);
    const ids = answers.map((one) => ('approvalId' in one ? one.approvalId : null));
    expect(new Set(ids).size).toBe(1);
    expect((await getSwarm(db, swarmId))?.nodes).toMatchObject([
      { kind: 'approval', state: 'admitted', approvalId: ids[0], taskId: null },
    ]);
    expect(await approvalEvents(db)).toEqual(['approval.requested']);
  });

  it('is not opened by a swarm that is paused, being cancelled or unknown (P31)', async () => {
    const { db } = database();
    const paused = await swarmWithStep(db);
    await setSwarmState(db, { swarmId: paused, state: 'paused', actor: 'tester' });
    const cancelled = await swarmWithStep(db);
    await requestSwarmCancel(db, { swarmId: cancelled, actor: 'tester' });
    expect(await open(db, paused)).toMatchObject({ kind: 'not-admitting' });
    expect(await open(db, cancelled)).toMatchObject({ kind: 'not-admitting' });
    expect(await open(db, 'swarm-none')).toEqual({ kind: 'not-found' });
    expect(await approvalEvents(db)).toEqual([]);
  });

  it('has one end when people, time and the end of the swarm race, and its node agrees (P6, P8)', async () => {
    const { db } = database();
    const other = database().connect('another control worker');
    const steps: { swarmId: string; approvalId: string }[] = [];
    for (let index = 0; index < 18; index += 1) {
      const swarmId = await swarmWithStep(db);
      const onExpiry = index % 2 === 0 ? 'approve' : 'reject';
      const opened = await open(db, swarmId, gateOf({ expiresInSeconds: 3600, onExpiry }));
      if (opened.kind !== 'opened') throw new Error(opened.kind);
      steps.push({ swarmId, approvalId: opened.approvalId });
    }
    await letApprovalsExpire(db);
    const dirty = await Promise.all([
      promoteDue(other),
      ...steps.map(({ approvalId }, index) =>
        index % 3 === 0
          ? withdrawApprovalStep(db, { approvalId, reason: 'stopped' })
          : decideAs(db, approvalId, index % 3 === 1 ? 'approved' : 'rejected'),
      ),
    ]);
    expect(dirty).toHaveLength(19);
    const nodeStates = { approved: 'completed', rejected: 'failed', withdrawn: 'skipped' } as const;
    for (const { swarmId, approvalId } of steps) {
      const { state } = await approvalOf(db, approvalId);
      if (state === 'open') throw new Error('it is still open');
      const news = await getSwarm(db, swarmId);
      expect(news?.nodes).toMatchObject([{ state: nodeStates[state] }]);
      expect(news?.swarm.dirty).toBe(state !== 'withdrawn');
    }
    const ends = (await approvalEvents(db)).filter((type) => type !== 'approval.requested');
    expect(ends).toHaveLength(18);
  });
});
