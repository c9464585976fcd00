import { takesWork } from './gateway.ts';
import { spanWords } from './span-words.ts';
import type { GatewayFacts, PoolGatewayFacts } from './why-facts.ts';
import type { BusyGateway, ClosedGateway } from './why-reasons.ts';

/** An owner writes what it sees every few seconds; one that has not for this long gives no sign. */
export const SILENT_AFTER_MS = 30_000;

/** True when the host that holds a gateway has given no sign for long. */
export function isSilent({ ownerHost, lastSeen }: GatewayFacts): boolean {
  return ownerHost !== null && (lastSeen === null || lastSeen.agoMs > SILENT_AFTER_MS);
}

/** Why a gateway takes no work at all, whoever asks; null: it does. */
export function closedBecause(gateway: GatewayFacts): ClosedGateway | null {
  const { id, state, since, reason, hint, ownerHost, lastSeen } = gateway;
  const closed = (why: string, what: string | null): ClosedGateway => ({
    id,
    state,
    why,
    hint: hint ?? what,
    since: since.at,
  });
  const words = `is ${state}${reason === null ? '' : ` (${reason})`}`;
  if (!takesWork(state)) return closed(words, undo(gateway));
  if (!gateway.claimsOpen)
    return closed(`takes no new work (wanted ${gateway.desiredState})`, undo(gateway));
  if (ownerHost === null) return closed('is held by no host', 'Start a gateway host.');
  if (!isSilent(gateway)) return null;
  const silentFor = lastSeen === null ? '' : ` for ${spanWords(lastSeen.agoMs)}`;
  return closed(
    `has had no sign of its host ${ownerHost}${silentFor}`,
    `See whether the host ${ownerHost} runs and reaches PostgreSQL.`,
  );
}

/** The same with its health: one that is so sick that it has no lane left takes no work. */
export function closedToWork(gateway: PoolGatewayFacts): ClosedGateway | null {
  const closed = closedBecause(gateway);
  if (closed !== null || gateway.lanes.health !== 0) return closed;
  return {
    id: gateway.id,
    state: gateway.state,
    why: 'is unhealthy and gets no new work until it has recovered',
    hint: gateway.hint ?? `dashctl gateway get ${gateway.id} shows what its owner sees of it.`,
    since: gateway.since.at,
  };
}

/** How many more runs a gateway could take. */
export function freeLanes({ lanes }: Pick<PoolGatewayFacts, 'lanes'>): number {
  return Math.max(0, lanes.capacity - lanes.held - lanes.foreign);
}

export function busyGateway({
  id,
  lanes,
  busyWith,
}: Pick<PoolGatewayFacts, 'id' | 'lanes' | 'busyWith'>): BusyGateway {
  return { id, lanes: lanes.capacity, held: lanes.held, foreign: lanes.foreign, busyWith };
}

function undo({ id, state, desiredState }: GatewayFacts): string | null {
  switch (desiredState) {
    case 'drained':
      return `dashctl gateway undrain ${id}`;
    case 'cordoned':
      return `dashctl gateway uncordon ${id}`;
    case 'stopped':
      return `dashctl gateway start ${id}`;
    default:
      return state === 'failed' ? `dashctl gateway recover ${id}` : `dashctl why ${id}`;
  }
}
