import { expect, test } from '@jest/globals';
import type { Misbehaviour } from '../../../src/gateway/fake-gateway/misbehaviour.ts';
import type { WireLog } from '../../../src/gateway/fake-gateway/wire-log.ts';
import { eventually } from '../../support/eventually.ts';
import { withChainWorld } from './support/chain-world.ts';

const world = withChainWorld();
const UI = 'https://ui.example';

/** Lists of origins that clients have asked for, in their order. */
function patches(log: WireLog): readonly string[] {
  return log.entries().flatMap((entry) => {
    if (entry.kind !== 'frame' || entry.direction !== 'in') return [];
    const { method, params } = entry.frame as { method?: string; params?: { raw?: string } };
    return method === 'config.patch' ? [params?.raw ?? ''] : [];
  });
}

async function actions(): Promise<readonly unknown[]> {
  return (await world().told()).flatMap(({ type, data }) =>
    type === 'chain.action' ? [data] : [],
  );
}

/** When the host dies, and what has become of its patch then. */
const moments: readonly [string, Misbehaviour][] = [
  ['before its patch has taken effect', 'ignore'],
  ['after its patch has taken effect and before it heard of it', 'silence'],
];

test.each(moments)(
  'a host that is killed in mid-heal, %s: the next one goes on, and the gateway has the origins once (R61, P32)',
  async (_moment, misbehaviour) => {
    const { dash, watchDashboard, becomes, chain } = world();
    const first = await dash.startHostProcess('host-a');
    const fake = await dash.addGateway('g1');
    await dash.startHostProcess('host-b');
    fake.setMisbehaviour(({ method, nth }) => {
      if (method !== 'config.patch' || nth > 1) return undefined;
      first.signal('SIGKILL');
      return misbehaviour;
    });
    await watchDashboard({ heal: 'auto', otherOrigins: [UI] });
    await becomes('unhealthy');
    await eventually(async () => (await actions()).length > 0, {
      timeoutMs: 100_000,
      what: 'the end of the heal',
    });
    expect(await actions()).toMatchObject([{ action: 'patch-origins', healed: true }]);
    expect((await dash.gateway('g1')).ownerHost).toBe('host-b');
    const { placedOrigins } = await chain();
    const [last, ...before] = patches(fake.log).toReversed();
    const { gateway } = JSON.parse(last ?? '{}') as {
      gateway: { controlUi: { allowedOrigins: string[] } };
    };
    expect(gateway.controlUi.allowedOrigins).toEqual(placedOrigins);
    expect(new Set(placedOrigins).size).toBe(placedOrigins.length);
    expect(before.every((raw) => raw === last)).toBe(true);
  },
  150_000,
);
