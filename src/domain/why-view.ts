import type { BusyWith, QueueFacts, TaskFacts, WaitingFacts } from './why-facts.ts';

/**
 * What a reader may see: one who is bound to a tenant learns nothing of other tenants' tasks, nor which gateways work
 * for others only. `tenant` null: sees everything.
 */

export function busySeenBy(tenant: string | null, busyWith: BusyWith): BusyWith {
  if (tenant === null) return busyWith;
  return busyWith.map((one) =>
    one.tenant === tenant ? one : { taskId: null, tenant: null, since: one.since },
  );
}

export function taskSeenBy(tenant: string | null, facts: WaitingFacts): WaitingFacts {
  const { inFront } = facts;
  return {
    ...aloneSeenBy(tenant, facts),
    inFront: inFront === null ? null : { ...inFront, head: aloneSeenBy(tenant, inFront.head) },
  };
}

export function aloneSeenBy<Facts extends TaskFacts>(tenant: string | null, facts: Facts): Facts {
  const { queue } = facts;
  return queue === null ? facts : { ...facts, queue: queueSeenBy(tenant, queue) };
}

function queueSeenBy(tenant: string | null, queue: QueueFacts): QueueFacts {
  if (tenant === null) return queue;
  const gateways = queue.gateways.map((gateway) => ({
    ...gateway,
    id: gateway.allowsTenant ? gateway.id : HIDDEN,
    busyWith: busySeenBy(tenant, gateway.busyWith),
  }));
  return { ...queue, gateways };
}

/** Stands for the id of a gateway that works for other tenants only. */
export const HIDDEN = '(another tenant’s)';
