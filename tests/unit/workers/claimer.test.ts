import { expect, test } from '@jest/globals';
import type { Database } from '../../../src/db/database.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { startClaimer } from '../../../workers/claimer.ts';

test('a claimer takes nothing while deliveries are behind, and claims at the poke that says they have caught up', async () => {
  const state = { behind: true, looks: 0, claims: 0 };
  const claimed = Promise.withResolvers<void>();
  const claimer = startClaimer({
    db: {
      call: async () => {
        state.claims += 1;
        claimed.resolve();
        return { claims: [] };
      },
    } as unknown as Database,
    hostId: 'host-1',
    clock: systemClock(),
    log: { warn: () => undefined },
    offers: () => [{ gatewayId: 'g', ownerEpoch: 1, lanes: 1, score: 1, reasons: [] }],
    isBehind: () => {
      state.looks += 1;
      return state.behind;
    },
    onClaim: () => undefined,
    observe: () => undefined,
  });
  claimer.poke();
  await new Promise(setImmediate);
  expect(state.looks).toBeGreaterThan(0);
  expect(state.claims).toBe(0);
  state.behind = false;
  claimer.poke();
  await claimed.promise;
  await claimer.close();
});
