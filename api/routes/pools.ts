import type { poolRoutes } from '../../src/contract/pools.ts';
import { listPools } from '../../src/db/pool-store.ts';
import type { Handlers } from '../handler.ts';

export const poolHandlers: Handlers<typeof poolRoutes> = {
  list: async (deps) => {
    const rows = await listPools(deps.db);
    const items = rows.map(({ id, matchLabels, createdAt }) => ({
      id,
      matchLabels: { ...matchLabels },
      createdAt,
    }));
    return { status: 200, body: { items } };
  },
};
