import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getTask } from '../../../src/db/task-store.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

const FLEET = 10;
const LOST = 3;
/** Of one measurement; about half of the lanes of seven gateways are busy at this pace. */
const TASKS = 60;
const PAUSE_MS = 25;
const RUN_MS = 300;

let dash: TestDash;
let fakes: FakeGateway[] = [];

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a');
  fakes = await Promise.all(
    Array.from({ length: FLEET }, (_, index) => dash.addGateway(`gw-${index}`)),
  );
}, 90_000);

afterAll(() => dash?.close(), 90_000);

/** Submits at a steady pace and answers the ids; none of them is waited for before the next one. */
async function submitAll(count: number): Promise<string[]> {
  const ids: Promise<string>[] = [];
  for (let index = 0; index < count; index += 1) {
    ids.push(dash.submit({ prompt: `[[sleep:${RUN_MS}]] [[say:done]]` }));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return Promise.all(ids);
}

/** From the acceptance by Dash to the first run that a gateway began, by the gateways' own logs; 95th percentile. */
async function startLatencyMs(ids: readonly string[]): Promise<number> {
  const tasks = await Promise.all(ids.map((id) => dash.ended(id, 60_000)));
  const latencies = tasks.map((task) => {
    const began = fakes.flatMap((fake) => fake.log.runsStarted(task.id)).map(({ atMs }) => atMs);
    return Math.min(...began) - Date.parse(task.createdAt);
  });
  return latencies.toSorted((a, b) => a - b)[Math.ceil(0.95 * latencies.length) - 1]!;
}

function expectOneRunEach(ids: readonly string[]): void {
  for (const id of ids) {
    expect(fakes.flatMap((fake) => fake.log.runsStarted(id))).toHaveLength(1);
  }
}

async function areOpen(count: number): Promise<void> {
  const ids = fakes.map((_, index) => `gw-${index}`);
  await eventually(
    async () => {
      const rows = await Promise.all(ids.map((id) => dash.gateway(id)));
      return rows.filter(({ state }) => state === 'open').length === count;
    },
    { timeoutMs: 60_000, what: `${count} open gateways` },
  );
}

test('with 30 percent of the fleet gone work starts on the rest within twice the time; with all gone it is accepted and held, and nothing is lost or doubled when they come back (R23, R22)', async () => {
  await startLatencyMs(await submitAll(20));
  const before = await startLatencyMs(await submitAll(TASKS));

  const gone = fakes.slice(0, LOST);
  await Promise.all(gone.map((fake) => fake.crash()));
  const during = await submitAll(TASKS);
  const withLoss = await startLatencyMs(during);
  expectOneRunEach(during);
  await Promise.all(gone.map((fake) => fake.start()));
  await areOpen(FLEET);

  // The machine may have become busier meanwhile: what counts is the loss of gateways, not of the CPU.
  const after = await startLatencyMs(await submitAll(TASKS));
  expect(withLoss / Math.max(before, after)).toBeLessThan(2);

  await Promise.all(fakes.map((fake) => fake.crash()));
  await areOpen(0);
  const held = await Promise.all(
    Array.from({ length: 20 }, () => dash.submit({ prompt: 'later' })),
  );
  for (const id of held) {
    expect(await getTask(dash.database.db, id)).toMatchObject({ state: 'queued', lastAttempt: 0 });
  }
  await Promise.all(fakes.map((fake) => fake.start()));
  for (const id of held) expect(await dash.ended(id, 60_000)).toMatchObject({ state: 'completed' });
  expectOneRunEach(held);
}, 180_000);
