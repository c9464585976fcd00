import { priorityName } from './task.ts';
import { busyGateway, closedToWork, freeLanes, isSilent } from './why-closed.ts';
import type { PoolGatewayFacts, QueueFacts, TaskFacts } from './why-facts.ts';
import { because, type Reason } from './why-reasons.ts';
import { HIDDEN } from './why-view.ts';
import { temporalTrouble, type TemporalCheck } from './why-temporal.ts';
import type { Reasons } from './why.ts';

/** A free lane is found within a second; one that stays free for so long has nobody who claims for it. */
const CLAIMED_WITHIN_MS = 10_000;

/**
 * Why a task that may be claimed is not claimed. In front stands what keeps every task of the fleet, then what keeps
 * every task of its pool, then what keeps its tenant, then its place in line; the first of these that holds binds.
 */
export function whyQueued(
  { task }: TaskFacts,
  queue: QueueFacts,
  temporal: TemporalCheck,
): Reasons {
  const { since } = task;
  const fleet: Reason[] = [];
  if (queue.fleet.paused) {
    const { by, reason, since } = queue.fleet;
    fleet.push(because('fleet-paused', { by, reason }, { since }));
  }
  if (temporal.kind === 'unreachable') fleet.push(...temporalTrouble(temporal));
  const place = { pool: task.pool, pinnedTo: queue.pinnedTo, session: task.sessionKey };
  const allowed = queue.gateways.filter((gateway) => gateway.allowsTenant && gateway.inPool);
  const serving = allowed.filter((gateway) => closedToWork(gateway) === null);
  const free = serving.filter((gateway) => freeLanes(gateway) > 0);
  const line = inLine(task, queue);
  const caps = capReasons(task.tenant, queue.caps);
  // Hosts claim nothing more while what they have claimed waits for its workflows; without a free lane that is no news.
  const behind = temporal.kind === 'behind' ? temporalTrouble(temporal) : [];
  if (free.length > 0) {
    const [first, ...more] = [...fleet, ...caps, ...behind];
    const unclaimed = whileFree(queue, free, since);
    if (first === undefined) return [unclaimed, line];
    // Not claimed for so long, there may be two causes.
    const isBehindOnly = first === behind[0] && unclaimed.code === 'hosts-not-claiming';
    return [first, ...more, ...(isBehindOnly ? [unclaimed] : []), line];
  }
  const kept = gatewayReason({ task, queue, place, allowed, serving });
  const [first, ...more] = [...fleet, kept, ...caps, line];
  return [first ?? kept, ...more];
}

type Task = TaskFacts['task'];

function gatewayReason(options: {
  readonly task: Task;
  readonly queue: QueueFacts;
  readonly place: {
    readonly pool: string;
    readonly pinnedTo: string | null;
    readonly session: string | null;
  };
  readonly allowed: readonly PoolGatewayFacts[];
  readonly serving: readonly PoolGatewayFacts[];
}): Reason {
  const { task, queue, place, allowed, serving } = options;
  const when = { since: task.since };
  if (serving.length > 0) {
    return because('lanes-busy', { ...place, gateways: serving.map(busyGateway) }, when);
  }
  if (queue.gateways.length === 0) return because('pool-empty', { pool: task.pool }, when);
  if (allowed.length === 0 && queue.gateways.some(({ inPool }) => inPool)) {
    const gateways = queue.gateways.map(({ id }) => id).filter((id) => id !== HIDDEN);
    return because('tenant-not-allowed', { ...place, tenant: task.tenant, gateways }, when);
  }
  if (allowed.length > 0 && allowed.every(hasNoHost)) {
    return because('no-host-alive', { ...place, hosts: hostsOf(allowed) }, when);
  }
  const gateways = queue.gateways.map((gateway) => closedToWork(gateway) ?? outside(gateway));
  return because('gateways-unavailable', { ...place, gateways }, when);
}

/** Its session lives there, and the pool of the task has lost that gateway since. */
function outside({ id, state, since }: PoolGatewayFacts) {
  return {
    id,
    state,
    why: 'does not belong to the pool of the task any more',
    hint: `Give ${id} the labels of the pool again, or end the session.`,
    since: since.at,
  };
}

/** Held by nobody, or by somebody who gives no sign, while it is meant to work. */
function hasNoHost(gateway: PoolGatewayFacts): boolean {
  const { ownerHost, state, desiredState } = gateway;
  if (desiredState !== 'running') return false;
  return ownerHost === null || state === 'unowned' || isSilent(gateway);
}

function hostsOf(gateways: readonly PoolGatewayFacts[]) {
  const hosts = new Map<string, string | null>();
  for (const { ownerHost, lastSeen } of gateways) {
    if (ownerHost !== null) hosts.set(ownerHost, lastSeen?.at ?? null);
  }
  return [...hosts].map(([host, lastSeenAt]) => ({ host, lastSeenAt }));
}

function capReasons(tenant: string, caps: QueueFacts['caps']): Reason[] {
  const reasons: Reason[] = [];
  if (caps.tenant !== null && caps.runningTenant >= caps.tenant) {
    const { tenant: limit, runningTenant: running } = caps;
    reasons.push(because('tenant-cap', { tenant, limit, running }));
  }
  if (caps.total !== null && caps.runningTotal >= caps.total) {
    reasons.push(because('total-cap', { limit: caps.total, running: caps.runningTotal }));
  }
  return reasons;
}

function inLine(task: Task, { rank }: QueueFacts): Reason {
  return because('in-line', {
    pool: task.pool,
    priority: priorityName(task.effectivePriority),
    place: rank.ahead > 1_000 ? null : rank.ahead + 1,
    pinnedAhead: rank.pinnedAhead,
    openInPool: rank.openInPool,
  });
}

/** Lanes are free for it: it is a matter of moments, or nobody claims. */
function whileFree(
  { rank }: QueueFacts,
  free: readonly PoolGatewayFacts[],
  since: Task['since'],
): Reason {
  if (since.agoMs > CLAIMED_WITHIN_MS && rank.ahead === 0) {
    const gateways = free.map(({ id, ownerHost }) => ({ id, host: ownerHost }));
    return because('hosts-not-claiming', { gateways }, { since });
  }
  return because('about-to-be-claimed', { gateways: free.map(({ id }) => id) }, { since });
}
