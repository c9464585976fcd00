import { expect, test } from '@jest/globals';
import type { ManagedProcesses } from '../../../activities/hold-gateway/ports.ts';
import { putChain } from '../../../src/db/chain-store.ts';
import { recentStarts, registerGateway } from '../../../src/db/gateway-store.ts';
import {
  startFakeGateway,
  type FakeGateway,
} from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { sealSecret } from '../../../src/platform/secret-box.ts';
import { connectTo } from '../../support/gateway-client.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { withChainWorld } from './support/chain-world.ts';

const world = withChainWorld();
const UI = 'https://ui.example';
const ASKED = { actor: 'ann', dryRun: false };

async function actions(): Promise<readonly unknown[]> {
  return (await world().told()).flatMap(({ type, actor, data }) =>
    type === 'chain.action' ? [{ actor, ...data }] : [],
  );
}

async function originsOf(fake: FakeGateway): Promise<readonly string[]> {
  const connection = connectTo(fake);
  await connection.whenOpen({ timeoutMs: 10_000 });
  const { origins } = await connection.allowedOrigins();
  await connection.close();
  return origins;
}

test('a page that is refused is let in, exactly and by itself; what others let in stays, and what Dash has left goes (S02, S07, X18)', async () => {
  const { dash, watchDashboard, becomes } = world();
  await dash.startHost('a');
  const fake = await dash.addGateway('g1', { allowedOrigins: ['https://by-hand.example'] });
  await watchDashboard({ heal: 'auto', otherOrigins: [UI] });
  await becomes('unhealthy');
  const healed = await becomes('healthy');
  expect(await originsOf(fake)).toEqual(['https://by-hand.example', ...healed.placedOrigins]);
  expect(healed.placedOrigins).toContain(UI);
  expect(await originsOf(fake)).not.toContain('*');
  const done = { action: 'patch-origins', healed: true, problem: null };
  const patched = { link: 'cors', ...done, actor: 'dash' };
  await eventually(async () => (await actions()).length > 0);
  expect(await actions()).toEqual([{ ...patched, reason: 'cors-origin-refused' }]);

  const other = 'https://new-tunnel.example';
  await putChain(dash.database.db, {
    gatewayId: 'g1',
    settings: { ...healed.settings, otherOrigins: [other] },
    actor: 'ann',
  });
  await eventually(
    async () => {
      const origins = await originsOf(fake);
      return origins.includes(other) && !origins.includes(UI);
    },
    { timeoutMs: 60_000, what: 'the new origin in place of the old one' },
  );
  expect(await originsOf(fake)).toContain('https://by-hand.example');
  await becomes('healthy');
}, 150_000);

test('with healing off it is only told; a dry run says what would be done; who asks gets it once, and a second heal does nothing (R61, X09)', async () => {
  const { dash, watchDashboard, becomes, chain } = world();
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard({ otherOrigins: [UI] });
  await becomes('unhealthy');
  const step = { link: 'cors', step: { kind: 'act', action: 'patch-origins' } };
  await eventually(async () => (await chain()).plan !== null);
  expect((await chain()).plan).toMatchObject([step]);
  const dry = await dash.messages.healChain('g1', { ...ASKED, dryRun: true });
  expect(dry).toMatchObject({ kind: 'done', taken: [], plan: [step] });
  expect(await originsOf(fake)).toEqual([]);

  const both = await Promise.all([
    dash.messages.healChain('g1', ASKED),
    dash.messages.healChain('g1', ASKED),
  ]);
  const taken = both.map((result) => (result.kind === 'done' ? result.taken : null));
  expect(taken.toSorted((one, other) => (other?.length ?? 0) - (one?.length ?? 0))).toEqual([
    [
      {
        link: 'cors',
        reason: 'cors-origin-refused',
        action: 'patch-origins',
        healed: true,
        problem: null,
      },
    ],
    [],
  ]);
  expect(await actions()).toEqual([expect.objectContaining({ actor: 'ann', healed: true })]);
  await becomes('healthy');
  await eventually(async () => (await chain()).plan?.length === 0);
}, 150_000);

test('an adopted gateway that is gone is a person’s: no action, whatever is asked (R61)', async () => {
  const { dash, watchDashboard, becomes, chain, quiet, nextBeat, historyLength } = world();
  await dash.startHost('a');
  const fake = await dash.addGateway('g1');
  await watchDashboard({ heal: 'auto' });
  await becomes('healthy');
  await fake.crash();
  await becomes('unhealthy');
  const person = { link: 'gateway', step: { kind: 'person' } };
  await eventually(async () => (await chain()).plan?.length === 1, { timeoutMs: 30_000 });
  expect((await chain()).plan).toMatchObject([person]);
  expect(await dash.messages.healChain('g1', ASKED)).toMatchObject({ taken: [], plan: [person] });
  expect(await actions()).toEqual([]);
  const steady = await quiet();
  await nextBeat();
  await nextBeat();
  expect(await historyLength()).toBe(steady);
}, 150_000);

/** Runs a fake gateway behind a way that can be choked in the place of each managed process. */
function chokable(): {
  readonly processes: ManagedProcesses;
  choke(): void;
  readonly starts: () => number;
} {
  const token = 'token-of-a-managed-gateway';
  let fake: FakeGateway | null = null;
  let way: TcpProxy | null = null;
  let starts = 0;
  return {
    starts: () => starts,
    choke: () => way?.choke(),
    processes: {
      async ensure() {
        const isNew = fake === null;
        if (isNew) starts += 1;
        fake ??= await startFakeGateway({ token });
        way ??= await startTcpProxy({ host: '127.0.0.1', port: fake.port });
        const endpoint = `ws://127.0.0.1:${way.port}`;
        return { kind: 'running', endpoint, process: {}, started: isNew };
      },
      lives: async () => fake !== null,
      async stop() {
        await Promise.all([fake?.close(), way?.close()]);
        fake = null;
        way = null;
      },
    },
  };
}

test('a managed gateway that takes connections and answers none is restarted once, and the restart counts against its budget (X02, X04)', async () => {
  const { dash, watchDashboard, becomes } = world();
  const { db } = dash.database;
  const gateway = chokable();
  const host = await dash.startHost('a', { managed: gateway.processes });
  await registerGateway(db, {
    id: 'g1',
    kind: 'managed',
    endpoint: 'ws://127.0.0.1:0',
    configuredLanes: 4,
    sealedToken: sealSecret(dash.secretKey, 'token-of-a-managed-gateway'),
    actor: 'test',
  });
  await dash.messages.ensureGateway('g1');
  await eventually(async () => (await dash.gateway('g1')).state === 'open', { timeoutMs: 30_000 });
  await watchDashboard({ heal: 'auto' });
  await becomes('healthy');
  gateway.choke();
  expect((await becomes('unhealthy')).verdict?.gateway).toMatchObject({ reason: 'gateway-hung' });
  await becomes('healthy');
  expect(gateway.starts()).toBe(2);
  await eventually(async () => (await actions()).length > 0, { timeoutMs: 30_000 });
  expect(await actions()).toMatchObject([{ action: 'restart-gateway', healed: true }]);
  expect(await recentStarts(db, { gatewayId: 'g1', withinSeconds: 300 })).toHaveLength(1);
  // First the host, which would start it again.
  await host.close();
  await gateway.processes.stop(await dash.gateway('g1'), { connection: null, boundMs: 0 });
}, 150_000);
