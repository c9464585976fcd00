import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ManagedProcesses } from '../../../activities/hold-gateway/ports.ts';
import { registerGateway } from '../../../src/db/gateway-store.ts';
import type { GatewayRecord } from '../../../src/db/gateway-record.ts';
import {
  startFakeGateway,
  type FakeGateway,
} from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { sealSecret } from '../../../src/platform/secret-box.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

const TOKEN = 'token-of-a-managed-gateway';

let dash: TestDash;
let fakes: FakeGateway[] = [];

beforeEach(async () => {
  fakes = [];
  dash = await startTestDash();
}, 150_000);

afterEach(async () => {
  await dash?.close();
  await Promise.all(fakes.map((fake) => fake.close()));
}, 150_000);

/** Runs a fake gateway in the place of each managed process. */
const fakeProcesses: ManagedProcesses = {
  async ensure() {
    const fake = await startFakeGateway({ token: TOKEN });
    fakes.push(fake);
    return { kind: 'running', endpoint: fake.endpoint, process: {}, started: true };
  },
  lives: async () => true,
  stop: async () => undefined,
};

async function register(id: string, kind: 'managed' | 'adopted'): Promise<void> {
  let endpoint = 'ws://127.0.0.1:0';
  if (kind === 'adopted') {
    const fake = await startFakeGateway({ token: TOKEN });
    fakes.push(fake);
    ({ endpoint } = fake);
  }
  await registerGateway(dash.database.db, {
    id,
    kind,
    endpoint,
    configuredLanes: 4,
    sealedToken: sealSecret(dash.secretKey, TOKEN),
    actor: 'test',
  });
  await dash.messages.ensureGateway(id);
}

function becomes(id: string, state: GatewayRecord['state']): Promise<GatewayRecord> {
  return eventually(
    async () => {
      const now = await dash.gateway(id);
      if (now.state !== state) throw new Error(`${id} is ${now.state}: ${now.stateReason}`);
      return now;
    },
    { timeoutMs: 60_000, what: `${id} to be ${state}` },
  );
}

test('a managed gateway is not taken by a host that runs no processes; it says who can hold it, and waits for that one (P32)', async () => {
  await dash.startHost('without-processes');
  await register('managed-1', 'managed');
  const waiting = await becomes('managed-1', 'unowned');
  expect(waiting).toMatchObject({ ownerHost: null, stateReason: 'no host holds this gateway' });
  expect(waiting.hint).toMatch(/host that runs gateway processes/);
  await dash.startHost('with-processes', { managed: fakeProcesses });
  expect(await becomes('managed-1', 'open')).toMatchObject({ ownerHost: 'with-processes' });
}, 150_000);

test('a host holds no more gateways than it may, over whichever queues they come; the rest wait for another one (architecture 2)', async () => {
  await dash.startHost('small', { managed: fakeProcesses, maxGateways: 1 });
  const ids = ['managed-1', 'adopted-1', 'managed-2', 'adopted-2'];
  await Promise.all(
    ids.map((id) => register(id, id.startsWith('managed') ? 'managed' : 'adopted')),
  );
  const gateways = (): Promise<GatewayRecord[]> => Promise.all(ids.map((id) => dash.gateway(id)));
  const waiting = await eventually(
    async () => {
      const all = await gateways();
      const unowned = all.filter(({ state }) => state === 'unowned');
      return all.some(({ state }) => state === 'open') && unowned.length === 3 && unowned;
    },
    { timeoutMs: 60_000, what: 'one to be held and three to wait' },
  );
  // A host that had taken one of them would be in its row.
  expect(waiting.map(({ ownerHost }) => ownerHost)).toEqual([null, null, null]);
  expect(waiting.every(({ hint }) => hint?.includes('DASH_MAX_GATEWAYS'))).toBe(true);
  await dash.startHost('large', { managed: fakeProcesses });
  await Promise.all(ids.map((id) => becomes(id, 'open')));
  const owners = (await gateways()).map(({ ownerHost }) => ownerHost);
  expect(owners.filter((owner) => owner === 'small')).toHaveLength(1);
}, 150_000);

test('a host that is asked to end does not wait for a gateway that is just starting (P34)', async () => {
  const starting = Promise.withResolvers<void>();
  const host = await dash.startHost('impatient', {
    managed: {
      ...fakeProcesses,
      async ensure(_gateway, _token, signal) {
        starting.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return { kind: 'not-ready', words: 'the start was given up' };
      },
    },
  });
  await register('managed-1', 'managed');
  await starting.promise;
  const startedAt = performance.now();
  await host.close();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
}, 150_000);
