import { getChain } from '../../src/db/chain-store.ts';
import { LONGEST_HOLD_MS } from '../../src/dashboard/hold-socket.ts';
import type { ChainWatch, VerifyResult, WatchEnd } from '../../src/domain/messages.ts';
import { lookAt } from './look.ts';
import { watchChain, type WatchDeps } from './watch-chain.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** What `dashboardChainWorkflow` asks of the machine of a gateway's host, over `gateway.<id>.control`. */
export interface ChainOperationActivities {
  /** One look, with an idle hold from outside: some 15 s then. Touches nothing, writes nothing. */
  verifyChain(input: OfGateway): Promise<Exclude<VerifyResult, { kind: 'no-host' }>>;
  watchChain(input: OfGateway & { readonly from: ChainWatch | null }): Promise<WatchEnd>;
}

export function createChainOperations(deps: WatchDeps): ChainOperationActivities {
  const { db, clock, probeTimeoutMs } = deps;
  return {
    async verifyChain({ gatewayId }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return { kind: 'no-chain' };
      const { atMs, verdict } = await lookAt(record, {
        clock,
        timeoutMs: probeTimeoutMs,
        idle: { ms: LONGEST_HOLD_MS },
      });
      return { kind: 'seen', atMs, verdict };
    },
    watchChain: (input) => watchChain(deps, input),
  };
}
