import type { Database } from '../../src/db/database.ts';
import {
  allocateOwnerEpoch,
  readOwnerEpoch,
  setClaimsOpen,
} from '../../src/db/gateway-ownership.ts';
import type { DesiredState, GatewayRecord } from '../../src/db/gateway-record.ts';
import {
  getGateway,
  removeGateway,
  setDesiredState,
  writeGatewayState,
} from '../../src/db/gateway-store.ts';
import {
  acceptedMessages,
  type GatewayMessage,
  type GatewayState,
} from '../../src/domain/gateway.ts';
import { runsGoOn, type HoldClaim } from '../../src/domain/hold.ts';
import type { GatewayCommand, GatewayCommandResult } from '../../src/domain/messages.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** What `gatewayWorkflow` asks of the gateway's row. */
export interface GatewayControlActivities {
  /** A fresh epoch for the next hold (P25), and where the gateway was held last; null: it is removed. */
  prepareHold(input: OfGateway): Promise<HoldClaim | null>;
  /** Writes an operator's wish, if the present state accepts it. From then on no claim contradicts it. */
  recordCommand(
    input: OfGateway & { readonly message: GatewayMessage; readonly command: GatewayCommand },
  ): Promise<GatewayCommandResult>;
  /** Nobody is known to hold it now. */
  markUnowned(input: OfGateway): Promise<void>;
  /** The drain's bound is over and runs go on: it stays `draining`, with a hint for as long as it is (P38). */
  reportOverdueDrain(
    input: OfGateway & { readonly running: number; readonly boundMs: number },
  ): Promise<void>;
  /** A restart is over: claims again, unless a newer wish says otherwise. */
  reopenClaims(input: OfGateway): Promise<void>;
}

export interface GatewayControlDeps {
  readonly db: Database;
  /** Heartbeat time-out of a hold; its renewals are acknowledged at a third of it. */
  readonly holdTimeoutMs: number;
}

export function createGatewayControlActivities(deps: GatewayControlDeps): GatewayControlActivities {
  const { db } = deps;
  return {
    async prepareHold({ gatewayId }) {
      const allocated = await allocateOwnerEpoch(db, { gatewayId });
      if (allocated.kind !== 'allocated') return null;
      const owner = await readOwnerEpoch(db, gatewayId);
      return {
        ownerEpoch: allocated.ownerEpoch,
        takenEpoch: owner?.ownerEpoch ?? 0,
        kind: allocated.gatewayKind,
        lastHost: allocated.lastHost,
        heartbeatTimeoutMs: deps.holdTimeoutMs,
      };
    },

    recordCommand: ({ gatewayId, message, command }) =>
      recordCommand(db, gatewayId, message, command),

    async markUnowned({ gatewayId }) {
      const gateway = await getGateway(db, gatewayId);
      if (gateway === null || gateway.state === 'removed') return;
      await writeGatewayState(db, {
        gatewayId,
        state: 'unowned',
        reason: 'no host holds this gateway',
        hint: whoCanHold(gateway),
        failure: null,
      });
    },

    async reportOverdueDrain({ gatewayId, running, boundMs }) {
      const gateway = await getGateway(db, gatewayId);
      if (gateway?.state !== 'draining') return;
      await writeGatewayState(db, {
        gatewayId,
        state: 'draining',
        reason: runsGoOn(running),
        hint: `The drain waited ${boundMs / 60_000} minutes for them and aborts nothing: wait on, cancel their tasks, or stop the gateway.`,
        failure: null,
      });
    },

    async reopenClaims({ gatewayId }) {
      const gateway = await getGateway(db, gatewayId);
      if (gateway?.desiredState !== 'running') return;
      await setClaimsOpen(db, { gatewayId, open: true, reason: 'restarted' });
    },
  };
}

function whoCanHold({ kind, ownerHost }: GatewayRecord): string {
  const orRoom = 'or, when one runs, let it hold more (DASH_MAX_GATEWAYS)';
  if (kind === 'adopted') return `Start a gateway host, any will take it, ${orRoom}.`;
  return ownerHost === null
    ? `Only a host that runs gateway processes can take it: start dashctl up, ${orRoom}.`
    : `Its process belongs to host ${ownerHost}: start it with that data directory, ${orRoom}.`;
}

/** What a message makes of the wish, of the claims, and of the state until the gateway's host reports its own. */
interface Wish {
  readonly desired: Exclude<DesiredState, 'removed'>;
  readonly claimsOpen: boolean;
  /** null: the host's next report decides. */
  readonly state: Exclude<GatewayState, 'removed'> | null;
}

const WISHES: Readonly<Record<Exclude<GatewayMessage, 'remove'>, Wish>> = {
  start: { desired: 'running', claimsOpen: true, state: 'starting' },
  recover: { desired: 'running', claimsOpen: true, state: null },
  undrain: { desired: 'running', claimsOpen: true, state: null },
  uncordon: { desired: 'running', claimsOpen: true, state: null },
  drain: { desired: 'drained', claimsOpen: false, state: 'draining' },
  cordon: { desired: 'cordoned', claimsOpen: false, state: 'cordoned' },
  restart: { desired: 'running', claimsOpen: false, state: 'draining' },
  stop: { desired: 'stopped', claimsOpen: false, state: 'stopping' },
};

/** A wish that stands already is recorded, not refused: updates may be repeated (R27). */
function isAsWished(gateway: GatewayRecord, message: GatewayMessage): boolean {
  if (message === 'remove') return gateway.state === 'removed';
  const wish = WISHES[message];
  return (
    gateway.state === wish.state &&
    gateway.desiredState === wish.desired &&
    gateway.claimsOpen === wish.claimsOpen
  );
}

async function recordCommand(
  db: Database,
  gatewayId: string,
  message: GatewayMessage,
  { actor, reason }: GatewayCommand,
): Promise<GatewayCommandResult> {
  const gateway = await getGateway(db, gatewayId);
  const state = gateway?.state ?? 'removed';
  const accepts = acceptedMessages(state);
  const refused = (detail: string): GatewayCommandResult => ({
    kind: 'refused',
    state,
    accepts,
    detail,
  });
  if (gateway !== null && isAsWished(gateway, message)) return { kind: 'recorded', state };
  if (!accepts.includes(message)) {
    return refused(`a gateway that is ${state} does not accept ${message}`);
  }
  if (message === 'remove') {
    const removal = await removeGateway(db, { gatewayId, actor });
    return removal.kind === 'refused'
      ? refused(
          `${removal.openAttempts} open attempts, ${removal.pinnedSessions} sessions and ` +
            `${removal.pinnedTasks} tasks still need it: drain it and wait, or cancel them`,
        )
      : { kind: 'recorded', state: 'removed' };
  }
  // A recover keeps a drained or cordoned gateway as it is wished to be.
  const keeps = message === 'recover' && (gateway?.desiredState ?? 'running') !== 'stopped';
  const wish = WISHES[message];
  if (keeps && gateway?.desiredState === 'running' && !gateway.claimsOpen) {
    // A restart that did not come to its end had closed them.
    await setClaimsOpen(db, { gatewayId, open: true, reason: message });
  }
  if (!keeps) {
    await setDesiredState(db, { gatewayId, desired: wish.desired, actor, reason });
    await setClaimsOpen(db, { gatewayId, open: wish.claimsOpen, reason: message });
  }
  if (wish.state === null || keeps) return { kind: 'recorded', state };
  const because = reason.trim() === '' ? '' : `: ${reason}`;
  await writeState(db, gatewayId, wish.state, `${message} by ${actor}${because}`);
  return { kind: 'recorded', state: wish.state };
}

async function writeState(
  db: Database,
  gatewayId: string,
  state: Exclude<GatewayState, 'removed'>,
  reason: string,
): Promise<void> {
  await writeGatewayState(db, { gatewayId, state, reason, hint: null, failure: null });
}
