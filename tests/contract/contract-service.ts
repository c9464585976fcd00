import { expect, test } from '@jest/globals';

import { probeSocket } from '../../src/dashboard/probe-socket.ts';
import type { ShutdownNotice } from '../../src/gateway/connection.ts';
import { eventually } from '../support/eventually.ts';
import { granted, send, sessionOf } from '../support/gateway-client.ts';
import { begun, look, ownRun, SLOW, type Context } from './contract-context.ts';

export function describeLoad(context: Context): void {
  test('the main lane tells active, queued and its limit (R17)', async () => {
    const { connection } = context();
    await send(connection, 'load', '[[sleep:2000]] [[say:loaded]]');
    await begun(connection, 'load');
    const lanes = await connection.lanes();
    expect(lanes).toMatchObject({ active: 1, queued: 0 });
    expect(lanes.max).toBeGreaterThan(0);
    await eventually(async () => (await ownRun(connection, 'load')).answer, { timeoutMs: 20_000 });
    await eventually(async () => (await connection.lanes()).active === 0, { timeoutMs: 5000 });
  });

  test('every executing run is listed with its session (P35)', async () => {
    const { connection } = context();
    await send(connection, 'listed', '[[sleep:2000]] [[say:listed]]');
    await begun(connection, 'listed');
    expect(await connection.listExecuting()).toEqual([
      { sessionKey: sessionOf('listed'), runId: 'listed-a1' },
    ]);
    await eventually(async () => (await ownRun(connection, 'listed')).answer, {
      timeoutMs: 20_000,
    });
    await eventually(async () => (await connection.listExecuting()).length === 0, {
      timeoutMs: 5000,
    });
  });

  test('health and process are told (R26)', async () => {
    const { connection } = context();
    expect((await connection.health()).ok).toBe(true);
    const info = await connection.systemInfo();
    expect(info.pid).toBeGreaterThan(0);
    expect(info.processInstanceId).not.toBe('');
  });
}

export function describeOrigins(context: Context): void {
  test('origins of pages are read and replaced, and hold at once; what was read before a change is refused (S02, S07)', async () => {
    const { connection, gateway } = context();
    const url = new URL(gateway.endpoint.replace('ws:', 'http:'));
    const origin = 'https://placed.example';
    const isLetIn = async (): Promise<boolean> => {
      const seen = await probeSocket({ url, origin, timeoutMs: 10_000 });
      if (seen.kind !== 'gateway') throw new Error(`the probe met ${seen.kind}`);
      return seen.isOriginAccepted;
    };
    expect(await isLetIn()).toBe(false);
    const before = await connection.allowedOrigins();
    const origins = [...before.origins, origin];
    await connection.allowOrigins({ ...before, origins, permit: granted });
    await eventually(isLetIn, { timeoutMs: 20_000 });
    expect((await connection.allowedOrigins()).origins).toEqual(origins);
    await expect(
      connection.allowOrigins({ ...before, origins: [], permit: granted }),
    ).rejects.toMatchObject({ outcome: 'refused' });
    const { hash } = await connection.allowedOrigins();
    await connection.allowOrigins({ origins: before.origins, hash, permit: granted });
    await eventually(async () => !(await isLetIn()), { timeoutMs: 20_000 });
  }, 60_000);
}

export function describeSuspension(context: Context): void {
  test('a drain lets running work end, refuses everything else, and can be taken back (P38)', async () => {
    const { connection } = context();
    await send(connection, 'drained', '[[sleep:2000]] [[say:ended in the drain]]');
    await begun(connection, 'drained');
    const lease = { requestId: 'drain-1', drain: true, permit: granted };
    const prepared = await connection.suspendPrepare(lease);
    expect(prepared).toMatchObject({ kind: 'draining' });
    expect(prepared.blockers.length).toBeGreaterThan(0);
    const suspensionId = prepared.suspensionId!;

    const refused = await connection.look({
      sessionKey: sessionOf('drained'),
      runIds: ['drained-a1'],
    });
    expect(refused).toMatchObject({ kind: 'refused', reason: 'draining' });
    expect(await send(connection, 'not-now', 'x')).toMatchObject({
      kind: 'refused',
      reason: 'draining',
      retryable: true,
    });
    await expect(
      connection.suspendPrepare({ ...lease, requestId: 'drain-2' }),
    ).rejects.toMatchObject({ outcome: 'refused', reason: 'gateway-suspension-conflict' });

    await eventually(
      async () => (await connection.suspendStatus({ suspensionId })).kind === 'ready',
      { timeoutMs: 20_000 },
    );
    const renewed = await connection.suspendPrepare(lease);
    expect(renewed).toMatchObject({ kind: 'ready', suspensionId });
    expect(await send(connection, 'not-now', 'x')).toMatchObject({
      kind: 'refused',
      reason: 'suspended',
    });

    await connection.suspendResume({ suspensionId, permit: granted });
    expect(await connection.suspendStatus({ suspensionId })).toMatchObject({ kind: 'running' });
    expect((await ownRun(connection, 'drained')).answer?.text).toBe('ended in the drain');
    expect((await look(connection, 'not-now')).own[0]).toMatchObject({
      userRow: false,
      pendingInput: null,
    });
  }, 60_000);
}

export function describeRestart(context: Context): void {
  test('a restart finishes the running turn, says goodbye, and comes back as another boot (P38)', async () => {
    const { connection, gateway } = context();
    const before = connection.hello()!.bootId;
    const notices: ShutdownNotice[] = [];
    const boots: string[] = [];
    const stop = [
      connection.onShutdown((notice) => notices.push(notice)),
      connection.onBoot((hello) => boots.push(hello.bootId)),
    ];
    await send(connection, 'kept', 'kept-marker [[sleep:1000]] [[say:kept]]');
    await begun(connection, 'kept');
    await gateway.restartInProcess();
    const after = await eventually(() => boots.at(-1), SLOW);
    expect(after).not.toBe(before);
    expect(notices).toEqual([
      { reason: 'gateway restarting', restartExpectedMs: expect.any(Number) },
    ]);
    await eventually(() => connection.state().kind === 'open', SLOW);
    const own = await ownRun(connection, 'kept');
    expect(own.answer?.text).toBe('kept');
    expect(gateway.modelCalls('kept-marker')).toBe(1);
    for (const unsubscribe of stop) unsubscribe();
  }, 120_000);
}
