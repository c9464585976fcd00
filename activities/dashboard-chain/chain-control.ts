import { getChain, recordChain } from '../../src/db/chain-store.ts';
import type { Database } from '../../src/db/database.ts';
import { diagnosisOf } from '../../src/domain/dashboard-chain/words.ts';
import type { Clock } from '../../src/platform/clock.ts';

/** What `dashboardChainWorkflow` asks of the rows. */
export interface ChainControlActivities {
  /** Nobody has watched it for a while. Answers false when there is no chain to be watched. */
  markUnwatched(input: { readonly gatewayId: string }): Promise<boolean>;
}

export function createChainControlActivities(deps: {
  readonly db: Database;
  readonly clock: Clock;
}): ChainControlActivities {
  const { db, clock } = deps;
  return {
    async markUnwatched({ gatewayId }) {
      const record = await getChain(db, gatewayId);
      if (record === null) return false;
      await recordChain(db, {
        gatewayId,
        revision: record.revision,
        verdict: null,
        flapping: [],
        at: new Date(clock.now()).toISOString(),
        episodeSince: record.episodeSince,
        diagnosis: diagnosisOf(null),
      });
      return true;
    },
  };
}
