import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';

/**
 * One number of slots for all queues over which a host takes holds: while it is full it asks on none of them, and
 * what waits there is left to hosts with room. A poll that was open before may still bring a hold: that is
 * refused then (`createHolds`).
 */
export function createHoldSlots(max: number): CustomSlotSupplier<ActivitySlotInfo> {
  let used = 0;
  let freed = Promise.withResolvers<void>();
  return {
    type: 'custom',
    async reserveSlot(_context, signal) {
      while (used >= max) await untilFreed(freed.promise, signal);
      return {};
    },
    // Eager activities are those of workflows in the same process: a host has none.
    tryReserveSlot: () => null,
    markSlotUsed() {
      used += 1;
    },
    releaseSlot({ slotInfo }) {
      // Without a task in it the slot was only one for polling.
      if (slotInfo === undefined) return;
      used -= 1;
      freed.resolve();
      freed = Promise.withResolvers<void>();
    },
  };
}

/** Rejects with the signal's own reason when the worker needs the slot no longer. */
async function untilFreed(freed: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  await Promise.race([freed, promise]).finally(() => signal.removeEventListener('abort', giveUp));
}
