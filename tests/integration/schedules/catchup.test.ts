import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pauseSchedule } from '../../../src/db/schedule-store.ts';
import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal, type OwnTemporal } from '../../support/own-temporal.ts';
import { startScheduleWorld, type ScheduleWorld } from './support/world.ts';

let temporal: OwnTemporal;
let world: ScheduleWorld;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  world = await startScheduleWorld({ temporalAddress: temporal.address });
}, 60_000);
afterAll(async () => {
  await world?.close();
  await temporal?.close();
}, 60_000);

test('what Temporal missed while it was away is made up for within the catch-up window, each time once, and nothing older (R12)', async () => {
  const everySecond = { overlap: 'allow-all' as const };
  const patient = await world.create({ ...everySecond, catchupSeconds: 600 });
  const short = await world.create({ ...everySecond, catchupSeconds: 10 });
  const paused = await world.create({ ...everySecond, catchupSeconds: 600 });
  for (const scheduleId of [patient, short, paused]) {
    await eventually(async () => (await world.tasks(scheduleId)).length > 0, { timeoutMs: 30_000 });
  }

  await temporal.kill();
  const goneAt = Date.now();
  // Holds from its answer on, although Temporal cannot hear of it.
  await pauseSchedule(world.dash.database.db, { scheduleId: paused, paused: true, actor: 'test' });
  const admittedBefore = (await world.tasks(paused)).length;
  await eventually(() => Date.now() > goneAt + 12_500, { timeoutMs: 20_000, everyMs: 200 });
  await temporal.start();
  const backAt = Date.now();

  const timesOf = async (scheduleId: string): Promise<number[]> =>
    (await world.firings(scheduleId))
      .map(({ scheduledAt }) => Date.parse(scheduledAt ?? ''))
      .toSorted((a, b) => a - b);
  for (const scheduleId of [patient, short]) {
    await eventually(async () => ((await timesOf(scheduleId)).at(-1) ?? 0) > backAt + 1_000, {
      timeoutMs: 60_000,
    });
  }
  // Every second from the first to the last, none twice; they are admitted beside each other.
  const upTo = await eventually(
    async () => {
      const seconds = (await timesOf(patient)).filter((time) => time <= backAt);
      expect(seconds).toEqual(seconds.map((_, index) => (seconds[0] ?? 0) + index * 1_000));
      return seconds;
    },
    { timeoutMs: 30_000, what: 'every second' },
  );
  expect(upTo.at(-1)).toBeGreaterThan(backAt - 2_000);
  for (const scheduleId of [patient, short, paused]) {
    const taskIds = (await world.firings(scheduleId)).map(({ taskId }) => taskId);
    const admitted = taskIds.filter((taskId) => taskId !== null);
    expect(new Set(admitted).size).toBe(admitted.length);
  }
  // Some of the twelve seconds are older than ten.
  const kept = new Set(await timesOf(short));
  const lost = upTo.filter((time) => time > goneAt + 1_000 && !kept.has(time));
  expect(lost.length).toBeGreaterThan(0);
  await eventually(
    async () => {
      const { upcoming } = await world.api.client.schedules.get({ params: { scheduleId: short } });
      return (upcoming?.missedCatchup ?? 0) > 0;
    },
    { timeoutMs: 20_000 },
  );
  // What Temporal made up for during the pause was refused by the row.
  expect(await world.tasks(paused)).toHaveLength(admittedBefore);
}, 180_000);
