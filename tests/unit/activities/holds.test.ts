import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createHolds } from '../../../activities/hold-gateway/hold-gateway.ts';
import type { HoldDeps } from '../../../activities/hold-gateway/ports.ts';
import { systemClock } from '../../../src/platform/clock.ts';

test('a hold that could not take its row does not count among the gateways of its host (architecture 2)', async () => {
  const answers = [new Error('PostgreSQL is away'), { kind: 'superseded' }];
  const deps = {
    hostId: 'host',
    maxGateways: 1,
    clock: systemClock(),
    log: { info: () => undefined, warn: () => undefined },
    timings: { holdTimeoutMs: 10_000, renewEveryMs: 3_000 },
    heartbeat: async () => 'acknowledged',
    db: {
      call: async () => {
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  } as unknown as HoldDeps;
  const holds = createHolds(deps);
  const hold = (gatewayId: string): Promise<unknown> =>
    new MockActivityEnvironment().run(() => holds.holdGateway({ gatewayId, ownerEpoch: 5 }));
  await expect(hold('first')).rejects.toThrow('PostgreSQL is away');
  expect(holds.all()).toEqual([]);
  expect(await hold('second')).toEqual({ kind: 'superseded' });
});
