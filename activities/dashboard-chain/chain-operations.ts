import { getChain, placeOrigins } from '../../src/db/chain-store.ts';
import { LONGEST_HOLD_MS } from '../../src/dashboard/hold-socket.ts';
import type { ChainWatch, VerifyResult, WatchEnd } from '../../src/domain/messages.ts';
import { patchedOrigins } from '../../src/domain/dashboard-chain/origins.ts';
import { chainOf } from '../../src/domain/dashboard-chain/settings.ts';
import { lookAt } from './look.ts';
import { openConnection } from './open-connection.ts';
import { watchChain, type WatchDeps } from './watch-chain.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** What `dashboardChainWorkflow` asks of the machine of a gateway's host, over `gateway.<id>.control`. */
export interface ChainOperationActivities {
  /** One look; `hold`: with an idle socket from outside, some 12 s then. Touches nothing, writes nothing. */
  verifyChain(
    input: OfGateway & { readonly hold: boolean },
  ): Promise<Exclude<VerifyResult, { kind: 'no-host' }>>;
  /** Lets in every origin of the contract, and takes away those that Dash has left. Others stay as they are. */
  patchOrigins(input: OfGateway): Promise<void>;
  watchChain(input: OfGateway & { readonly from: ChainWatch | null }): Promise<WatchEnd>;
}

export function createChainOperations(deps: WatchDeps): ChainOperationActivities {
  const { db, clock, probeTimeoutMs, holds } = deps;
  return {
    async verifyChain({ gatewayId, hold }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return { kind: 'no-chain' };
      const { atMs, verdict } = await lookAt(record, {
        clock,
        timeoutMs: probeTimeoutMs,
        connection: openConnection(holds, gatewayId),
        idle: hold ? { ms: LONGEST_HOLD_MS } : { known: null },
      });
      return { kind: 'seen', atMs, verdict };
    },
    watchChain: (input) => watchChain(deps, input),

    async patchOrigins({ gatewayId }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return;
      const hold = holds.find(gatewayId);
      const connection = openConnection(holds, gatewayId);
      if (hold === null || connection === null)
        throw new Error(`${gatewayId} cannot be reached now`);
      const { origins, hash } = await connection.allowedOrigins();
      const contract = chainOf(record.settings, record.endpoint).origins;
      const next = patchedOrigins({ contract, configured: origins, placed: record.placedOrigins });
      const ownerEpoch = hold.lease.ownerEpoch();
      const noted = await placeOrigins(db, { gatewayId, ownerEpoch, origins: next.placed });
      if (noted.kind !== 'ok') throw new Error(`another host holds ${gatewayId} now`);
      const permit = (): void | Promise<void> => hold.lease.permit();
      await connection.allowOrigins({ origins: next.origins, hash, permit });
    },
  };
}
