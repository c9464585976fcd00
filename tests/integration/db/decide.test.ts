import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  decideAttempt,
  enterDeciding,
  freeLane,
  markIndeterminate,
  recordDecision,
  recoverFromIndeterminate,
} from '../../../src/db/attempt-decision.ts';
import { readAttempt } from '../../../src/db/attempt-record.ts';
import { beginSending } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { getTask } from '../../../src/db/task-store.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, claimOne, emptyDatabase, openGateway, own } from './support.ts';

const database = withDatabase({ maxConnections: 20 });

beforeEach(() => emptyDatabase(database().db.pool));

const offer = { gatewayId: 'g1', ownerEpoch: 1, lanes: 9, score: 1, reasons: [] };

/** An attempt that was sent and then could not be found again. */
async function vanished(db: Database, fields: Parameters<typeof accept>[1] = {}): Promise<Claim> {
  const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
  await accept(db, fields);
  const claimed = await claimOne(db, gateway);
  const { attemptId, taskId, ownerEpoch } = claimed;
  await beginSending(db, { attemptId, ownerEpoch, runId: 'r', bootId: 'b', stateId: 's' });
  await markIndeterminate(db, {
    attemptId,
    ownerEpoch,
    reason: 'vanished',
    evidence: { output: 'half an answer' },
    keepLane: false,
  });
  await enterDeciding(db, { taskId, attemptId });
  return claimed;
}

describe('an indeterminate attempt', () => {
  it('stays open, asks a person, and gives its lane back when the gateway is idle (P29)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await vanished(db, { sessionKey: 's' });
    const behind = await accept(db, { sessionKey: 's' });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'deciding', stateReason: 'vanished' });
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'indeterminate',
      holdsLane: false,
      indeterminateReason: 'vanished',
      evidence: { output: 'half an answer' },
    });
    const free = await accept(db);
    expect((await claim(db, [offer])).map((one) => one.taskId)).toEqual([free.id]);
    expect(await getTask(db, behind.id)).toMatchObject({ state: 'waiting' });
  });

  it('keeps its lane until the gateway shows nothing executing (R13)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1', { configuredLanes: 1 });
    await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    await markIndeterminate(db, {
      attemptId,
      reason: 'abort-unconfirmed',
      evidence: null,
      keepLane: true,
    });
    await accept(db);
    expect(await claim(db, [gateway])).toEqual([]);
    const { indeterminateAt } = (await readAttempt(db, attemptId))!;
    expect(await freeLane(db, { attemptId, ownerEpoch: 7, indeterminateAt })).toMatchObject({
      because: 'superseded-owner',
    });
    expect(await freeLane(db, { attemptId, ownerEpoch: 1, indeterminateAt })).toEqual({
      kind: 'ok',
    });
    expect(await claim(db, [gateway])).toHaveLength(1);
  });

  it('keeps the lane of a run that has appeared since the gateway was looked at, also when it was lost again (R13)', async () => {
    const { db } = database();
    const { attemptId } = await vanished(db);
    const { indeterminateAt } = (await readAttempt(db, attemptId))!;
    const seenIdle = { attemptId, ownerEpoch: 1, indeterminateAt };
    await recoverFromIndeterminate(db, { attemptId, ownerEpoch: 1 });
    for (const stale of [seenIdle, { ...seenIdle, indeterminateAt: null }]) {
      expect(await freeLane(db, stale)).toMatchObject({ because: 'state', state: 'accepted' });
    }
    expect(await readAttempt(db, attemptId)).toMatchObject({ holdsLane: true });
    const [reason, evidence] = ['abort-unconfirmed', null] as const;
    await markIndeterminate(db, { attemptId, ownerEpoch: 1, reason, evidence, keepLane: true });
    expect(await freeLane(db, seenIdle)).toMatchObject({ because: 'state' });
    expect(await readAttempt(db, attemptId)).toMatchObject({ holdsLane: true });
  });

  it('recovers without a person when its run appears after all (P29)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await vanished(db);
    expect(
      await recoverFromIndeterminate(db, { attemptId, ownerEpoch: 1, recoveryRunId: 'rec' }),
    ).toEqual({ kind: 'ok' });
    expect(await readAttempt(db, attemptId)).toMatchObject({
      state: 'accepted',
      holdsLane: true,
      recoveryRunIds: ['rec'],
      indeterminateReason: null,
    });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'dispatched' });
    expect(await enterDeciding(db, { taskId, attemptId })).toMatchObject({
      kind: 'stands',
      state: 'accepted',
    });
  });

  it('does not recover against a decision, or for an older owner (P25, P29)', async () => {
    const { db } = database();
    const { attemptId } = await vanished(db);
    await own(db, 'g1', 'host-2');
    expect(await recoverFromIndeterminate(db, { attemptId, ownerEpoch: 1 })).toMatchObject({
      because: 'superseded-owner',
    });
    await recordDecision(db, { attemptId, decision: { kind: 'discard' }, actor: 'ann' });
    expect(await recoverFromIndeterminate(db, { attemptId, ownerEpoch: 2 })).toMatchObject({
      kind: 'stands',
      state: 'indeterminate',
    });
  });
});

describe('a decision', () => {
  it('accept: the task is completed with what the person gave, else with what was seen (P29)', async () => {
    const { db } = database();
    const first = await vanished(db);
    expect(
      await decideAttempt(db, {
        attemptId: first.attemptId,
        decision: { kind: 'accept', output: null },
        actor: 'ann',
      }),
    ).toMatchObject({ kind: 'settled', state: 'completed', end: { output: 'half an answer' } });
    const second = await vanished(db);
    expect(
      await decideAttempt(db, {
        attemptId: second.attemptId,
        decision: { kind: 'accept', output: 'forty-two' },
        actor: 'ann',
      }),
    ).toMatchObject({ state: 'completed', end: { output: 'forty-two' } });
    expect(await readAttempt(db, second.attemptId)).toMatchObject({
      outcome: 'succeeded',
      decision: { decision: { kind: 'accept' }, actor: 'ann' },
    });
  });

  it('retry: the task is queued again, for the same gateway (P27, P29)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await vanished(db);
    expect(
      await decideAttempt(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' }),
    ).toMatchObject({
      kind: 'queued',
    });
    expect(await getTask(db, taskId)).toMatchObject({ state: 'queued', pinnedGatewayId: 'g1' });
    expect(await claim(db, [offer])).toMatchObject([{ taskId, attemptNumber: 2 }]);
  });

  it('retry of a task that is to be cancelled settles it instead (P28, P29)', async () => {
    const { db } = database();
    const { attemptId, taskId } = await vanished(db);
    await requestCancel(db, { taskId, reason: 'cancelled', actor: 'bob' });
    expect(
      await decideAttempt(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' }),
    ).toMatchObject({
      kind: 'settled',
      state: 'cancelled',
    });
  });

  it('discard: dead{discarded}, a dead letter; after a cancel cancelled (P29)', async () => {
    const { db } = database();
    const first = await vanished(db);
    expect(
      await decideAttempt(db, {
        attemptId: first.attemptId,
        decision: { kind: 'discard' },
        actor: 'ann',
      }),
    ).toMatchObject({ kind: 'settled', state: 'dead', end: { failure: { reason: 'discarded' } } });
    expect(await db.rows('select reason from dash.dead_letters')).toEqual([
      { reason: 'discarded' },
    ]);
    const second = await vanished(db);
    await requestCancel(db, { taskId: second.taskId, reason: 'cancelled', actor: 'bob' });
    expect(
      await enterDeciding(db, { taskId: second.taskId, attemptId: second.attemptId }),
    ).toMatchObject({
      kind: 'deciding',
      discard: true,
    });
    expect(
      await decideAttempt(db, {
        attemptId: second.attemptId,
        decision: { kind: 'discard' },
        actor: 'bob',
      }),
    ).toMatchObject({ state: 'cancelled' });
  });

  it('is written down once: the first counts, also for whoever applies another (P29)', async () => {
    const { db } = database();
    const { attemptId } = await vanished(db);
    const answers = await Promise.all([
      recordDecision(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' }),
      recordDecision(db, { attemptId, decision: { kind: 'discard' }, actor: 'bob' }),
    ]);
    expect(answers.map((answer) => answer.kind).toSorted()).toEqual(['decided-before', 'recorded']);
    const stands = (await readAttempt(db, attemptId))?.decision;
    const applied = await decideAttempt(db, {
      attemptId,
      decision: { kind: 'accept', output: 'mine' },
      actor: 'cat',
    });
    expect(applied.kind).toBe(stands?.decision.kind === 'retry' ? 'queued' : 'settled');
    expect((await readAttempt(db, attemptId))?.decision).toEqual(stands);
    expect(
      await decideAttempt(db, { attemptId, decision: { kind: 'retry' }, actor: 'cat' }),
    ).toMatchObject({ kind: 'stands', because: 'state', state: 'closed' });
  });

  it('about an attempt that is not indeterminate is refused with what it is (P29)', async () => {
    const { db } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    const { attemptId } = await claimOne(db, gateway);
    expect(
      await recordDecision(db, { attemptId, decision: { kind: 'retry' }, actor: 'ann' }),
    ).toMatchObject({ kind: 'stands', state: 'planned' });
    expect(
      await recordDecision(db, {
        attemptId: crypto.randomUUID(),
        decision: { kind: 'retry' },
        actor: 'ann',
      }),
    ).toMatchObject({ kind: 'stands', because: 'not-found' });
  });
});
