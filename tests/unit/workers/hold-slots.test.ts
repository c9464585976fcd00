import { expect, test } from '@jest/globals';
import type { SlotReserveContext } from '@temporalio/worker';
import { createHoldSlots } from '../../../workers/hold-slots.ts';

const context = {} as SlotReserveContext;
const slotInfo = { type: 'activity', activityType: 'holdGateway' } as const;
const never = new AbortController().signal;

/** Whether a promise has resolved by the time everything that was ready has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('a host that is full asks for no more holds, on whichever queue, until one ends (architecture 2)', async () => {
  const slots = createHoldSlots(2);
  for (let count = 0; count < 2; count += 1) {
    const permit = await slots.reserveSlot(context, never);
    slots.markSlotUsed({ slotInfo, permit });
  }
  const waiting = [slots.reserveSlot(context, never), slots.reserveSlot(context, never)];
  expect(await Promise.all(waiting.map(isSettled))).toEqual([false, false]);
  slots.releaseSlot({ slotInfo, permit: {} });
  expect(await Promise.all(waiting.map(isSettled))).toEqual([true, true]);
});

test('a poll that brought nothing frees nothing (architecture 2)', async () => {
  const slots = createHoldSlots(1);
  const idle = await slots.reserveSlot(context, never);
  slots.markSlotUsed({ slotInfo, permit: await slots.reserveSlot(context, never) });
  slots.releaseSlot({ permit: idle });
  expect(await isSettled(slots.reserveSlot(context, never))).toBe(false);
});

test('a worker that shuts down does not wait for a slot (P34)', async () => {
  const slots = createHoldSlots(1);
  slots.markSlotUsed({ slotInfo, permit: await slots.reserveSlot(context, never) });
  const shutdown = new AbortController();
  const reservation = slots.reserveSlot(context, shutdown.signal);
  shutdown.abort();
  await expect(reservation).rejects.toBe(shutdown.signal.reason);
});
