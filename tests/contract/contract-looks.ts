import { expect, test } from '@jest/globals';

import { eventually } from '../support/eventually.ts';
import { granted, send, sessionOf } from '../support/gateway-client.ts';
import { RawGatewayClient } from '../support/raw-gateway-client.ts';
import { begun, follow, look, ownRun, type Context } from './contract-context.ts';

export function describeLooks(context: Context): void {
  test('a session that was never used shows nothing (P22.10)', async () => {
    const seen = await look(context().connection, 'untouched');
    expect(seen).toMatchObject({ recoveries: [], foreignRunIds: [], sessionStatus: null });
    expect(seen.own[0]).toMatchObject({
      userRow: false,
      executing: false,
      pendingInput: null,
      endedByRestart: false,
    });
  });

  test('right after the answer to a send, the run is seen as executing (P22.2)', async () => {
    const { connection } = context();
    await send(connection, 'soon', '[[sleep:1500]] [[say:soon]]');
    const own = await ownRun(connection, 'soon');
    expect(own).toMatchObject({ executing: true, answer: null, failure: null });
    await eventually(async () => (await ownRun(connection, 'soon')).answer, { timeoutMs: 20_000 });
  });

  test('a failed run tells its class (P22.6)', async () => {
    const { connection } = context();
    await send(connection, 'failing', '[[status:400]]');
    expect(await follow(connection, 'failing')).toBe('ended');
    const failure = await eventually(async () => (await ownRun(connection, 'failing')).failure);
    expect(failure).toMatchObject({ class: 'permanent', aborted: false, timedOut: false });
  });

  test('an aborted run says so, running or queued, and leaves no answer (P28)', async () => {
    const { connection } = context();
    await send(connection, 'stop', '[[sleep:60000]]');
    await send(connection, 'stop', 'behind', { runId: 'stop-a2' });
    await begun(connection, 'stop');
    const sessionKey = sessionOf('stop');
    for (const runId of ['stop-a2', 'stop-a1']) {
      expect(await connection.abortRun({ sessionKey, runId, permit: granted })).toEqual({
        aborted: true,
      });
    }
    const seen = await eventually(async () => {
      const now = await look(connection, 'stop', 'stop-a1', 'stop-a2');
      return now.own.every(({ failure }) => failure !== null) ? now : undefined;
    });
    expect(seen.own.map(({ failure, answer }) => [failure?.aborted, answer])).toEqual([
      [true, null],
      [true, null],
    ]);
    expect(await connection.abortRun({ sessionKey, runId: 'stop-a1', permit: granted })).toEqual({
      aborted: false,
    });
  });

  test('a run that used up its own time says so (P22.6)', async () => {
    const { connection } = context();
    await send(connection, 'slow', '[[sleep:60000]]', { timeoutSeconds: 2 });
    const failure = await eventually(async () => (await ownRun(connection, 'slow')).failure, {
      timeoutMs: 20_000,
    });
    expect(failure).toMatchObject({ timedOut: true, aborted: false });
  });

  test('a person who chats in the session is foreign while the turn lasts (P22.7)', async () => {
    const { connection, gateway } = context();
    const person = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const params = {
      sessionKey: sessionOf('chat'),
      message: '[[sleep:1500]] [[say:hi]]',
      idempotencyKey: 'person-1',
    };
    await person.call('chat.send', params);
    await eventually(
      async () => (await look(connection, 'chat')).foreignRunIds.includes('person-1'),
      { timeoutMs: 10_000 },
    );
    expect((await look(connection, 'chat')).own[0]).toMatchObject({
      executing: false,
      userRow: false,
    });
    await eventually(async () => (await look(connection, 'chat')).foreignRunIds.length === 0, {
      timeoutMs: 20_000,
    });
    await person.close();
  });

  test('a long session does not hide the rows of an attempt behind its newer ones (P22)', async () => {
    const { gateway } = context();
    const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
    const pages = await Promise.all(
      [0, 2, 4].map((offset) =>
        client.call('chat.history', { sessionKey: sessionOf('fifo'), limit: 2, offset }),
      ),
    );
    const shown = pages.map(({ payload }) => [payload?.['messages'], payload?.['hasMore']]);
    expect(shown).toMatchObject([
      [[{}, {}], true],
      [[{ idempotencyKey: 'fifo-a1:user' }, {}], false],
      [[], false],
    ]);
    expect(pages[0]?.payload?.['nextOffset']).toBe(2);
    await client.close();
  });

  test.each([9_000, 60_000, 150_000])(
    'an answer of %d characters is read whole, though the history cuts it (P22.1)',
    async (length) => {
      const { connection } = context();
      const taskId = `long-${length}`;
      await send(connection, taskId, `[[say:${'x'.repeat(length - 1)}!]]`);
      const own = await eventually(
        async () => {
          const run = await ownRun(connection, taskId);
          return run.answer === null ? undefined : run;
        },
        { timeoutMs: 30_000, everyMs: 100 },
      );
      expect(own.answer?.text).toHaveLength(length);
      expect(own.answer?.text.endsWith('!')).toBe(true);
      expect(own.userRow).toBe(true);
    },
    60_000,
  );
}
