import { expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import {
  createGatewayOperations,
  type GatewayOperationActivities,
} from '../../../activities/hold-gateway/gateway-operations.ts';
import type { Clock } from '../../../src/platform/clock.ts';

/** The heartbeat time-out under which the workflow schedules these activities. */
const HEARTBEAT_TIMEOUT_MS = 15_000;
const OPERATION_MS = 60_000;

/** A clock whose time passes at once. */
function quickClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    async sleep(ms, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!signal?.aborted) nowMs += ms;
    },
  };
}

async function longestSilence(
  kind: 'managed' | 'adopted',
  operate: (operations: GatewayOperationActivities) => Promise<void>,
): Promise<number> {
  const clock = quickClock();
  const environment = new MockActivityEnvironment();
  const beatsAt: number[] = [];
  environment.on('heartbeat', () => beatsAt.push(clock.monotonic()));
  let boot = 'before';
  const slow = async (): Promise<void> => {
    while (clock.monotonic() < OPERATION_MS) await clock.sleep(500);
    boot = 'after';
  };
  const tender = {
    row: { kind },
    isReady: true,
    openConnection: () => ({ hello: () => ({ bootId: boot }) }),
    recover: slow,
    stopProcess: slow,
    requestRestart: slow,
  };
  const hold = { tender, nudge: () => undefined };
  const operations = createGatewayOperations({
    db: {} as never,
    clock,
    holds: { find: () => hold as never },
  });
  await environment.run(() => operate(operations));
  const times = [0, ...beatsAt, clock.monotonic()];
  return Math.max(...times.slice(1).map((at, index) => at - times[index]!));
}

test.each([
  ['stopProcess', 'managed'],
  ['restartProcess', 'managed'],
  ['restartProcess', 'adopted'],
  ['bringUp', 'managed'],
] as const)(
  '%s of a %s gateway that takes a minute gives a sign of life in time (P38)',
  async (name, kind) => {
    const silenceMs = await longestSilence(kind, (operations) =>
      operations[name]({ gatewayId: 'g' }),
    );
    expect(silenceMs).toBeLessThan(HEARTBEAT_TIMEOUT_MS / 2);
  },
);
