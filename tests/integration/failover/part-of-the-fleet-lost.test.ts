import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getTask } from '../../../src/db/task-store.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';
import { eventually } from '../../support/eventually.ts';

const FLEET = 10;
const LOST = 3;
/** Of one measurement: a pace at which half of the lanes of seven gateways are busy, and the CPU is not. */
const TASKS = 40;
const PAUSE_MS = 100;
const RUN_MS = 1_500;
/** A machine that is busy with something else is measured again. */
const ROUNDS = 3;

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

interface Measured {
  readonly withLossMs: number;
  /** With the whole fleet, before or after, whichever was slower: the machine may have become busier meanwhile. */
  readonly wholeMs: number;
}

async function loseAndRegainSome(): Promise<Measured> {
  const before = await startLatencyMs(await submitAll(TASKS));
  const gone = fakes.slice(0, LOST);
  await Promise.all(gone.map((fake) => fake.crash()));
  const during = await submitAll(TASKS);
  const withLossMs = await startLatencyMs(during);
  expectOneRunEach(during);
  await Promise.all(gone.map((fake) => fake.start()));
  await areOpen(FLEET);
  const after = await startLatencyMs(await submitAll(TASKS));
  return { withLossMs, wholeMs: Math.max(before, after) };
}

test('with 30 percent of the fleet gone work starts on the rest within twice the time (R23, R22)', async () => {
  await startLatencyMs(await submitAll(10));
  const ratios: number[] = [];
  while (ratios.length < ROUNDS && !ratios.some((ratio) => ratio < 2)) {
    const { withLossMs, wholeMs } = await loseAndRegainSome();
    ratios.push(withLossMs / wholeMs);
  }
  expect(Math.min(...ratios)).toBeLessThan(2);
}, 240_000);

test('with the whole fleet gone work is accepted and held, and nothing is lost or doubled when it comes back (R23)', async () => {
  await Promise.all(fakes.map((fake) => fake.crash()));
  await areOpen(0);
  const held = await Promise.all(
    Array.from({ length: 20 }, () => dash.submit({ prompt: '[[say:later]]' })),
  );
  for (const id of held) {
    expect(await getTask(dash.database.db, id)).toMatchObject({ state: 'queued', lastAttempt: 0 });
  }
  await Promise.all(fakes.map((fake) => fake.start()));
  for (const id of held) expect(await dash.ended(id, 60_000)).toMatchObject({ state: 'completed' });
  expectOneRunEach(held);
}, 120_000);
