import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { registerGateway } from '../../../src/db/gateway-store.ts';
import {
  startFakeGateway,
  type FakeGateway,
} from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { sealSecret } from '../../../src/platform/secret-box.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

const FLEET = 50;
const PER_SECOND = 10;

let dash: TestDash;
let fakes: FakeGateway[] = [];

beforeEach(async () => {
  dash = await startTestDash();
}, 60_000);

afterEach(async () => {
  await dash?.close();
  await Promise.all(fakes.map((fake) => fake.close()));
  fakes = [];
}, 60_000);

/** When clients asked to be let in, sorted, milliseconds. */
function knocks(sinceMs: number): readonly number[] {
  const frames = fakes.flatMap((fake) => fake.log.entries());
  return frames
    .flatMap((entry) => {
      if (entry.kind !== 'frame' || entry.direction !== 'in' || entry.atMs < sinceMs) return [];
      return (entry.frame as { method?: string }).method === 'connect' ? [entry.atMs] : [];
    })
    .toSorted((one, other) => one - other);
}

async function allOpen(): Promise<void> {
  const [row] = await dash.database.db.rows<{ open: number }>(
    `select count(*)::integer as open from dash.gateways where state = 'open'`,
  );
  if (row?.open !== FLEET) throw new Error(`${row?.open} of ${FLEET} are open`);
}

test('fifty gateways that restart at once are met by no storm of connects, and all are back within a minute (R25)', async () => {
  fakes = await Promise.all(Array.from({ length: FLEET }, () => startFakeGateway()));
  await dash.startHost('host-a');
  const { db } = dash.database;
  for (const [index, fake] of fakes.entries()) {
    const id = `g${index}`;
    await registerGateway(db, {
      id,
      kind: 'adopted',
      endpoint: fake.endpoint,
      configuredLanes: 1,
      sealedToken: sealSecret(dash.secretKey, fake.token),
      actor: 'test',
    });
    await dash.messages.ensureGateway(id);
  }
  await eventually(async () => (await allOpen(), true), { timeoutMs: 120_000 });

  await Promise.all(fakes.map((fake) => fake.crash()));
  const downAtMs = Date.now();
  await Promise.all(fakes.map((fake) => fake.start()));
  await eventually(
    async () => (knocks(downAtMs).length >= FLEET ? (await allOpen(), true) : false),
    {
      timeoutMs: 60_000,
      what: 'all to be back',
    },
  );
  const times = knocks(downAtMs);
  const busiest = Math.max(
    ...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length),
  );
  // A turn is when a connect begins; on a busy machine what has begun arrives in bunches.
  expect(busiest).toBeLessThanOrEqual(2 * PER_SECOND);
}, 240_000);
