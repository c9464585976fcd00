import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';

import type { ConnectionState } from '../../src/gateway/connection.ts';
import type { FakeGatewayOptions } from '../../src/gateway/fake-gateway/fake-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, FakeFleet } from '../support/fake-gateway.ts';
import { send, sessionOf } from '../support/gateway-client.ts';

const fleet = new FakeFleet();

afterEach(() => fleet.close());

const kinds = (states: readonly ConnectionState[]): string[] => states.map(({ kind }) => kind);

describe('staying connected', () => {
  test('a gateway that is not there yet is reconnected to when it comes (R26)', async () => {
    const fake = await fleet.gateway();
    await fake.crash();
    const connection = fleet.connect(fake);
    const down = await eventually(() =>
      connection.state().kind === 'reconnecting' ? connection.state() : undefined,
    );
    expect(down).toMatchObject({ lastError: expect.stringContaining('ECONNREFUSED') });
    const early = await failureOf(connection.whenOpen({ timeoutMs: 50 }));
    expect(early).toMatchObject({ code: 'NOT_CONNECTED', outcome: 'refused' });
    await fake.start();
    expect((await connection.whenOpen({ timeoutMs: 10_000 })).bootId).toBe(fake.bootId());
  });

  test('a cut socket is the same boot, a crash is another one (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const boots: string[] = [];
    connection.onBoot((hello) => boots.push(hello.bootId));
    fake.cutSockets();
    await eventually(() => kinds(connection.states).filter((kind) => kind === 'open').length === 2);
    expect(boots).toEqual([]);
    await fake.crash();
    await fake.start();
    await eventually(() => boots.length === 1);
    expect(boots).toEqual([fake.bootId()]);
  });

  test('a boot counts as ready from when it was first seen, over reconnects (P22.5)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await eventually(() => (connection.identity()?.readyForMs ?? 0) >= 30);
    const whileAway: unknown[] = [];
    connection.onState((state) => {
      if (state.kind === 'reconnecting') whileAway.push(connection.identity());
    });
    fake.cutSockets();
    await eventually(() => kinds(connection.states).join() === 'open,reconnecting,open');
    expect(whileAway).toEqual([null]);
    expect(connection.identity()?.readyForMs).toBeGreaterThanOrEqual(30);
    await fake.crash();
    await fake.start();
    await eventually(() => connection.identity()?.bootId === fake.bootId());
    expect(connection.identity()?.readyForMs).toBeLessThan(5000);
  });

  test('how long no turn was resumed counts from the last look that saw one, in this boot, whosever it is (P22.5)', async () => {
    const fake = await fleet.gateway({ recoveryDelayMs: 0 });
    const connection = await fleet.connected(fake);
    const idle = (): { noRecoveryForMs: number; readyForMs: number } => connection.identity()!;
    const lookAt = (taskId: string): Promise<unknown> =>
      connection.look({ sessionKey: sessionOf(taskId), runIds: [`${taskId}-a1`] });
    // A person's turn, interrupted as well, goes first.
    fake.personChats('agent:main:person', '[[hang]]');
    await send(connection, 'second', '[[hang]]');
    await eventually(() => fake.log.runsStarted('second').length === 1);
    await fake.crash();
    await fake.start();
    await eventually(() => connection.identity()?.bootId === fake.bootId());
    await connection.whenOpen({ timeoutMs: 5000 });
    await eventually(() => idle().readyForMs > 100);
    expect(idle().noRecoveryForMs).toBeGreaterThan(100);
    expect(await lookAt('second')).toMatchObject({
      recoveries: [],
      gateway: { noRecoveryForMs: 0 },
    });
    expect(idle().readyForMs - idle().noRecoveryForMs).toBeGreaterThan(100);
    await fake.crash();
    await fake.start();
    await eventually(() => connection.identity()?.bootId === fake.bootId());
    await connection.whenOpen({ timeoutMs: 5000 });
    expect(idle().noRecoveryForMs).toBeCloseTo(idle().readyForMs, -1);
  });

  test('a gateway that is still starting is waited for, as it asks (R26)', async () => {
    const fake = await fleet.gateway({ startupMs: 300 });
    const connection = fleet.connect(fake);
    await connection.whenOpen({ timeoutMs: 5000 });
    expect(kinds(connection.states)).toContain('reconnecting');
    expect(kinds(connection.states).at(-1)).toBe('open');
  });

  test('a graceful stop is announced, and says whether it comes back (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const notices: unknown[] = [];
    connection.onShutdown((notice) => notices.push(notice));
    await fake.stop();
    await eventually(() => notices.length === 1 && connection.state().kind !== 'open');
    await fake.start();
    await connection.whenOpen({ timeoutMs: 5000 });
    await fake.restart();
    await eventually(() => notices.length === 2);
    expect(notices).toEqual([
      { reason: 'gateway stopping', restartExpectedMs: null },
      { reason: 'gateway restarting', restartExpectedMs: 1500 },
    ]);
  });

  test('a silent socket is given up after two ticks (R26)', async () => {
    const fake = await fleet.gateway({ tickIntervalMs: 60 });
    const connection = await fleet.connected(fake);
    fake.mute(true);
    await eventually(() => connection.state().kind === 'reconnecting', { timeoutMs: 5000 });
    fake.mute(false);
    await connection.whenOpen({ timeoutMs: 20_000 });
  }, 40_000);

  test('close ends it for good, and calls say so (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    await connection.close();
    await connection.close();
    connection.retryNow();
    expect(connection.state()).toEqual({ kind: 'closed' });
    expect(await failureOf(connection.lanes())).toMatchObject({
      code: 'NOT_CONNECTED',
      outcome: 'refused',
    });
    expect(await failureOf(connection.whenOpen({ timeoutMs: 50 }))).toMatchObject({
      code: 'NOT_CONNECTED',
    });
  });
});

describe('states that wait for a person', () => {
  const blocks: readonly [
    string,
    FakeGatewayOptions,
    { token?: string },
    string,
    string,
    RegExp,
  ][] = [
    ['a wrong token', {}, { token: 'secret-guess' }, 'auth', 'auth', /token of its configuration/],
    [
      'scopes withheld from another machine',
      { remote: true },
      {},
      'scopes',
      'pairing',
      /on its own loopback/,
    ],
  ];
  test.each(blocks)(
    '%s is a state with a hint, and no second knock (R26)',
    async (_words, options, change, reason, failure, hint) => {
      const fake = await fleet.gateway(options);
      const token = change.token ?? fake.token;
      const connection = fleet.connect({ endpoint: fake.endpoint, token });
      await failureOf(connection.whenOpen({ timeoutMs: 5000 }));
      const state = connection.state();
      expect(state).toMatchObject({ kind: 'blocked', reason, failure });
      expect(state.kind === 'blocked' ? state.hint : '').toMatch(hint);
      expect(kinds(connection.states)).toEqual(['blocked']);
      expect(await failureOf(connection.lanes())).toMatchObject({
        code: 'BLOCKED',
        outcome: 'refused',
      });
      expect(fake.log.requests('connect')).toHaveLength(1);
    },
  );

  test('the token is in no error and no hint (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = fleet.connect({ endpoint: fake.endpoint, token: 'very-secret-token' });
    const error = await failureOf(connection.whenOpen({ timeoutMs: 5000 }));
    expect(JSON.stringify([error.message, error, connection.states])).not.toContain(
      'very-secret-token',
    );
  });

  test('recover knocks again, once (R26)', async () => {
    const fake = await fleet.gateway();
    const connection = fleet.connect({ endpoint: fake.endpoint, token: 'wrong' });
    await failureOf(connection.whenOpen({ timeoutMs: 5000 }));
    connection.retryNow();
    await eventually(() => kinds(connection.states).length === 3);
    expect(kinds(connection.states)).toEqual(['blocked', 'connecting', 'blocked']);
    expect(fake.log.requests('connect')).toHaveLength(2);
  });
});

describe('the permit (P24)', () => {
  test('and its frame share one tick: nothing happens in between (P24)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const order: string[] = [];
    const write = jest.spyOn(WebSocket.prototype, 'send').mockImplementation(() => {
      order.push('frame');
    });
    try {
      void send(connection, 'at-once', 'x', { permit: () => void order.push('permit') }).catch(
        () => null,
      );
      expect(order).toEqual(['permit', 'frame']);

      order.length = 0;
      const permit = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push('permit');
        setImmediate(() => order.push('next tick'));
      };
      void send(connection, 'after-asking', 'x', { permit }).catch(() => null);
      await eventually(() => order.includes('next tick'));
      expect(order).toEqual(['permit', 'frame', 'next tick']);
    } finally {
      write.mockRestore();
    }
  });

  test.each([
    [
      'at once',
      (): void => {
        throw new Error('fenced');
      },
    ],
    [
      'after asking',
      async (): Promise<void> => {
        throw new Error('fenced');
      },
    ],
  ])(
    'a permit that throws %s sends nothing, for every mutating call (P24)',
    async (_words, permit) => {
      const fake = await fleet.gateway();
      const connection = await fleet.connected(fake);
      const seen = (): number =>
        fake.log.entries().filter((entry) => entry.kind === 'frame' && entry.direction === 'in')
          .length;
      const reads = seen();
      const target = { pid: 1, processInstanceId: 'x' };
      const calls: readonly Promise<unknown>[] = [
        send(connection, 'fenced', 'x', { permit }),
        connection.abortRun({ sessionKey: sessionOf('fenced'), runId: 'fenced-a1', permit }),
        connection.suspendPrepare({ requestId: 'r', drain: true, permit }),
        connection.suspendResume({ suspensionId: 's', permit }),
        connection.suspendHandoff({ suspensionId: 's', target, permit }),
        connection.requestRestart({ reason: 'x', permit }),
      ];
      for (const call of calls) await expect(call).rejects.toThrow('fenced');
      expect(seen()).toBe(reads);
      await expect(connection.ensureStateSentinel({ permit })).rejects.toThrow('fenced');
      expect(fake.log.requests('sessions.create')).toEqual([]);
    },
  );

  test('a permit that takes until the gateway has restarted sends nothing to the new boot (P23)', async () => {
    const fake = await fleet.gateway();
    const connection = await fleet.connected(fake);
    const bootId = fake.bootId()!;
    const permit = async (): Promise<void> => {
      await fake.crash();
      await fake.start();
      await eventually(
        () => connection.hello()!.bootId !== bootId && connection.state().kind === 'open',
      );
    };
    expect(await failureOf(send(connection, 'slow-permit', 'x', { bootId, permit }))).toMatchObject(
      {
        code: 'OTHER_BOOT',
        outcome: 'refused',
      },
    );
    expect(fake.log.requests('agent')).toEqual([]);
  });
});
