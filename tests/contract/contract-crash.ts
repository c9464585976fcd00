import { expect, test } from '@jest/globals';

import type { LookSeen, OwnRun } from '../../src/domain/look.ts';
import { eventually } from '../support/eventually.ts';
import { granted, send, sessionOf, TEST_INSTALLATION } from '../support/gateway-client.ts';
import { RawGatewayClient } from '../support/raw-gateway-client.ts';
import { begun, follow, look, ownRun, SLOW, type Context } from './contract-context.ts';

function isResumed({ recoveries }: LookSeen): boolean {
  return recoveries.some(({ executing }) => executing);
}

export function describeCrash(context: Context): void {
  const crashed = { bootId: '', stateId: '' };

  test('the state directory has a name that a repeated question does not change (P22.9)', async () => {
    const { connection } = context();
    expect(await connection.readStateSentinel()).toBeNull();
    const made = await connection.ensureStateSentinel({ permit: granted });
    expect(await connection.ensureStateSentinel({ permit: granted })).toBe(made);
    const client = await RawGatewayClient.connect(
      context().gateway.endpoint,
      context().gateway.token,
    );
    const again = await client.call('sessions.create', {
      key: `agent:main:dash-${TEST_INSTALLATION}:state`,
    });
    expect(again.payload).toMatchObject({ sessionId: made });
    await client.close();
    expect(connection.identity()?.stateId).toBe(made);
    crashed.stateId = made;
  });

  test('a crash ends every socket without a word and makes a follower unsure (P26)', async () => {
    const { connection, gateway } = context();
    crashed.bootId = connection.hello()!.bootId;
    await send(connection, 'hit', 'hit-marker [[sleep:2000]] [[say:recovered]]');
    await send(connection, 'hit-too', 'other-marker [[sleep:2000]] [[say:recovered too]]');
    await begun(connection, 'hit');
    await begun(connection, 'hit-too');
    await send(connection, 'hit', 'behind-marker', { runId: 'hit-a2' });
    const following = follow(connection, 'hit');
    await gateway.crash();
    expect(await following).toBe('unclear');
    expect(connection.state().kind).not.toBe('open');
    await expect(send(connection, 'hit', 'x')).rejects.toMatchObject({
      code: 'NOT_CONNECTED',
      outcome: 'refused',
    });
    await gateway.start();
    await connection.whenOpen({ timeoutMs: 60_000 });
    expect(connection.hello()!.bootId).not.toBe(crashed.bootId);
  }, 180_000);

  test('interrupted turns are resumed one after the other, and a look at one that waits says so (P22.5)', async () => {
    const { connection } = context();
    const seen: { readonly executes: boolean; readonly noRecoveryForMs: number | null }[] = [];
    await eventually(async () => {
      for (const [one, other] of [['hit', 'hit-too'] as const, ['hit-too', 'hit'] as const]) {
        const before = await look(connection, one);
        const meanwhile = await look(connection, other);
        const after = await look(connection, one);
        if (!isResumed(before) || !isResumed(after)) continue;
        const waits = meanwhile.recoveries.length === 0;
        seen.push({
          executes: isResumed(meanwhile),
          noRecoveryForMs: waits ? meanwhile.gateway.noRecoveryForMs : null,
        });
      }
      const ends = [await look(connection, 'hit'), await look(connection, 'hit-too')];
      return ends.every(({ recoveries }) => recoveries.some(({ answer }) => answer !== null));
    }, SLOW);
    expect(seen.filter(({ executes }) => executes)).toEqual([]);
    const waiting = seen.filter(({ noRecoveryForMs }) => noRecoveryForMs !== null);
    expect(waiting).not.toEqual([]);
    expect(waiting.filter(({ noRecoveryForMs }) => noRecoveryForMs !== 0)).toEqual([]);
    const identity = connection.identity()!;
    expect(identity.noRecoveryForMs).toBeLessThan(identity.readyForMs);
  }, 120_000);

  test('after a crash the state directory still has its name (P22.9)', async () => {
    expect(await context().connection.readStateSentinel()).toBe(crashed.stateId);
  });

  test('nothing is sent to another boot than the one that was looked at (P23)', async () => {
    const { connection, gateway } = context();
    const late = send(connection, 'late', 'late-marker', { bootId: crashed.bootId });
    await expect(late).rejects.toMatchObject({ code: 'OTHER_BOOT', outcome: 'refused' });
    expect(gateway.modelCalls('late-marker')).toBe(0);
  });

  test('the interrupted turn is resumed under a new run id and answers once (P22.3)', async () => {
    const { connection } = context();
    const seen = await eventually(async () => {
      const now = await look(connection, 'hit', 'hit-a1', 'hit-a2');
      return now.recoveries.some(({ executing, answer }) => executing || answer !== null)
        ? now
        : undefined;
    }, SLOW);
    expect(seen.own[0]).toMatchObject({
      userRow: true,
      executing: false,
      answer: null,
      endedByRestart: true,
    });
    expect(seen.recoveries).toHaveLength(1);
    expect(seen.recoveries[0]?.ownRunId).toBe('hit-a1');
    expect(seen.recoveries[0]?.runId).not.toBe('hit-a1');
    const answer = await eventually(
      async () => (await look(connection, 'hit')).recoveries[0]?.answer,
      SLOW,
    );
    expect(answer.text).toBe('recovered');
  }, 120_000);

  test('an input whose turn never began stays interrupted, and its run id is burnt (P22.4)', async () => {
    const { connection, gateway } = context();
    const burnt = async (): Promise<OwnRun> => (await look(connection, 'hit', 'hit-a2')).own[0]!;
    expect(await burnt()).toMatchObject({
      pendingInput: 'interrupted',
      userRow: false,
      executing: false,
    });
    const again = send(connection, 'hit', 'behind-marker', { runId: 'hit-a2' });
    await expect(again).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
    expect(await burnt()).toMatchObject({ pendingInput: 'interrupted', executing: false });
    expect(gateway.modelCalls('behind-marker')).toBe(0);
    const renamed = await send(connection, 'hit', 'behind-marker [[say:resent]]', {
      runId: 'hit-a2r1',
    });
    expect(renamed).toEqual({ kind: 'accepted' });
    await eventually(async () => (await look(connection, 'hit', 'hit-a2r1')).own[0]?.answer, {
      timeoutMs: 20_000,
    });
    expect(gateway.modelCalls('behind-marker')).toBe(1);
  }, 60_000);

  test('a finished run id is forgotten by the next boot; sending it again does not hide the answer (P22.1)', async () => {
    const { connection, gateway } = context();
    expect((await ownRun(connection, 'turn')).answer?.text).toBe('forty two');
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const params = {
      sessionKey: sessionOf('turn'),
      message: 'turn-marker [[say:forty two]]',
      idempotencyKey: 'turn-a1',
      deliver: false,
    };
    const id = client.send('agent', params);
    await client.until((frame) => frame.id === id && frame.payload?.['status'] === 'error', 30_000);
    await client.close();
    const seen = await eventually(
      async () => {
        const now = await look(connection, 'turn');
        return now.sessionStatus === 'failed' ? now : undefined;
      },
      { timeoutMs: 10_000 },
    );
    expect(seen.own[0]).toMatchObject({ failure: null, answer: { text: 'forty two' } });
    expect(gateway.modelCalls('turn-marker')).toBe(1);
  }, 60_000);

  test('a replaced state directory has no name, and shows nothing of what was (P22.9)', async () => {
    const { connection, gateway } = context();
    const before = connection.hello()!.bootId;
    await gateway.crash();
    await gateway.wipeState();
    await gateway.start();
    await eventually(() => connection.hello()!.bootId !== before, SLOW);
    const seen = await look(connection, 'turn');
    expect(seen.gateway.stateId).toBeNull();
    expect(seen.own[0]).toMatchObject({ answer: null, userRow: false });
    expect(await connection.ensureStateSentinel({ permit: granted })).not.toBe(crashed.stateId);
  }, 180_000);
}
