import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ScheduleNotFoundError } from '@temporalio/client';
import { createSubmissionActivities } from '../../../activities/submission/submission.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import { listFindings, type FindingRecord } from '../../../src/db/finding-store.ts';
import { getSchedule, pauseSchedule } from '../../../src/db/schedule-store.ts';
import { firingKey } from '../../../src/domain/schedule.ts';
import { isTerminal } from '../../../src/domain/task.ts';
import { eventually } from '../../support/eventually.ts';
import { startScheduleWorld, type ScheduleWorld } from './support/world.ts';

/** Everything is real but the gateway. Two control workers run; Temporal's Schedules fire each second. */

let world: ScheduleWorld;

beforeAll(async () => {
  world = await startScheduleWorld({ reconcileEveryMs: 1_000 });
  await world.dash.startHost('host-a', { policy: { settleMs: 500 } });
  await world.dash.addGateway('gw-1', { laneLimit: 20, lanes: 20 });
}, 60_000);
afterAll(() => world?.close(), 30_000);

const slow = { timeoutMs: 30_000 };

function follower(scheduleId: string) {
  return world.dash.temporal.client.schedule.getHandle(`dash-schedule/${scheduleId}`);
}

async function findingsAbout(scheduleId: string): Promise<readonly FindingRecord[]> {
  const all = await listFindings(world.dash.database.db, { limit: 1_000 });
  return all.filter(({ subject }) => subject === scheduleId);
}

/** Lets the row look as if nobody had changed it within the last minute. */
async function age(scheduleId: string): Promise<void> {
  await world.dash.database.db.rows(
    `update dash.schedules set updated_at = now() - interval '2 minutes' where id = $1`,
    [scheduleId],
  );
}

async function cancel(taskId: string): Promise<void> {
  const { database, messages } = world.dash;
  const answer = await requestCancel(database.db, { taskId, reason: 'cancelled', actor: 'test' });
  if (answer.kind === 'requested') await messages.signalTaskCancel(answer.workflowId);
}

describe('a schedule with two control workers', () => {
  test('admits its work once for each time, never early, within a second, and the work names it (R12, G20)', async () => {
    const scheduleId = await world.create({ overlap: 'allow-all' });
    await eventually(async () => (await world.tasks(scheduleId)).length >= 6, slow);
    await world.remove(scheduleId);
    const fired = await world.firings(scheduleId);
    const tasks = await world.tasks(scheduleId);
    expect(new Set(fired.map(({ taskId }) => taskId))).toEqual(new Set(tasks.map(({ id }) => id)));
    const times = fired.map(({ scheduledAt }) => Date.parse(scheduledAt ?? ''));
    const first = Math.min(...times);
    // Each second, none twice, none left out.
    expect(times.toSorted((a, b) => a - b)).toEqual(times.map((_, index) => first + index * 1_000));
    const lateMs = fired.map((one, index) => Date.parse(one.firedAt) - (times[index] ?? 0));
    const leastLateMs = Math.min(...lateMs);
    expect(leastLateMs).toBeGreaterThanOrEqual(0);
    // The others tell of the other tests that share the machine, not of schedules.
    expect(leastLateMs).toBeLessThan(1_000);
    const shown = await world.api.client.tasks.list({ query: { schedule: scheduleId } });
    expect(shown.items).toHaveLength(tasks.length);
    expect(shown.items[0]).toMatchObject({ scheduleId });
  }, 60_000);

  test('one time that is taken up twenty times at once by two workers gives one task (R12, G20)', async () => {
    const { db } = world.dash.database;
    const scheduleId = await world.create({ cron: '0 0 1 1 *' });
    const scheduledAt = '2030-01-01T00:00:00.000Z';
    const answers = await Promise.all(
      [db, world.dash.database.connect('another', 10)].flatMap((one) => {
        const { messages } = world.dash;
        const { acceptSubmission } = createSubmissionActivities({ db: one, messages });
        return Array.from({ length: 10 }, (_, index) =>
          acceptSubmission({
            key: firingKey(scheduleId, scheduledAt),
            workflowId: `w${index}`,
            // No run that Temporal would know: it must not keep others from being told.
            runId: `r${index}`,
            request: { schedule: { id: scheduleId, revision: 1 } },
            firing: { scheduleId, scheduledAt },
          }),
        );
      }),
    );
    const [task] = await world.tasks(scheduleId);
    expect(await world.tasks(scheduleId)).toHaveLength(1);
    expect(answers).toEqual(answers.map(() => ({ kind: 'task', taskId: task?.id })));
    await world.remove(scheduleId);
  }, 60_000);

  test('a swarm is started and run to its end, and names its schedule (R12, P31)', async () => {
    const swarm = {
      name: 'two',
      strategy: 'parallel' as const,
      items: ['a', 'b'],
      prompt: '{{item}}',
    };
    const scheduleId = await world.create({ swarm });
    const done = await eventually(
      async () => (await world.firings(scheduleId)).find(({ state }) => state === 'completed'),
      slow,
    );
    await world.remove(scheduleId);
    const { swarm: row } = await world.api.client.swarms.get({
      params: { swarmId: done.swarmId ?? '' },
    });
    expect(row).toMatchObject({ state: 'completed', scheduleId });
  }, 60_000);
});

describe('while earlier work has not ended', () => {
  const busy = { task: { prompt: 'long [[hang]]' } };

  test('skip leaves firings out and counts them, buffer-one keeps one of them (R12)', async () => {
    const skipping = await world.create({ ...busy, overlap: 'skip' });
    const buffering = await world.create({ ...busy, overlap: 'buffer-one' });
    const counted = async (scheduleId: string): Promise<number> => {
      const { upcoming } = await world.api.client.schedules.get({ params: { scheduleId } });
      return upcoming?.skippedByOverlap ?? 0;
    };
    await eventually(async () => (await counted(skipping)) >= 2, slow);
    await eventually(async () => (await counted(buffering)) >= 2, slow);
    expect(await world.tasks(skipping)).toHaveLength(1);
    await world.remove(skipping);
    const [first] = await world.tasks(buffering);
    expect(await world.tasks(buffering)).toHaveLength(1);
    const endedAfter = Date.now();
    await cancel(first?.id ?? '');
    // The one that was kept was due before the first ended.
    const [, kept] = await eventually(async () => {
      const fired = await world.firings(buffering);
      return fired.length >= 2 && fired;
    }, slow);
    expect(Date.parse(kept?.scheduledAt ?? '')).toBeLessThan(endedAfter);
    await world.remove(buffering);
    for (const { id } of [...(await world.tasks(skipping)), ...(await world.tasks(buffering))]) {
      await cancel(id);
    }
  }, 90_000);

  test('cancel-other cancels it, at its gateway too, and then admits the next (R12, P28)', async () => {
    const scheduleId = await world.create({ ...busy, overlap: 'cancel-other' });
    const [first, second] = await eventually(async () => {
      const tasks = await world.tasks(scheduleId);
      return tasks.length >= 2 && tasks;
    }, slow);
    await world.remove(scheduleId);
    expect((await world.dash.ended(first?.id ?? '')).state).toBe('cancelled');
    expect(Date.parse(second?.createdAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse((await world.dash.ended(first?.id ?? '')).finishedAt ?? ''),
    );
    for (const { id } of await world.tasks(scheduleId)) await cancel(id);
  }, 60_000);
});

describe('a pause', () => {
  test('holds from its answer on although Temporal still fires; reconcile then makes Temporal follow (R12, P35)', async () => {
    const { db } = world.dash.database;
    const scheduleId = await world.create({ overlap: 'allow-all' });
    await eventually(async () => (await world.tasks(scheduleId)).length >= 1, slow);
    // As the api does it, but Temporal is not told.
    await pauseSchedule(db, { scheduleId, paused: true, actor: 'test' });
    const admitted = (await world.tasks(scheduleId)).length;
    await eventually(
      async () =>
        (await world.firings(scheduleId)).filter((one) => one.refusal !== null).length >= 2,
      slow,
    );
    expect((await world.firings(scheduleId)).at(-1)).toMatchObject({
      refusal: 'the schedule is paused',
      taskId: null,
    });
    expect(await findingsAbout(scheduleId)).toEqual([]);
    await age(scheduleId);
    await eventually(async () => (await follower(scheduleId).describe()).state.paused, slow);
    expect(await world.tasks(scheduleId)).toHaveLength(admitted);
    // The finding is written when Temporal has followed.
    await eventually(async () => (await findingsAbout(scheduleId)).length > 0, slow);
    expect(await findingsAbout(scheduleId)).toMatchObject([
      { kind: 'schedule-not-followed', repaired: true, detail: { paused: true } },
    ]);

    await world.api.client.schedules.resume({ params: { scheduleId } });
    const resumedAt = Date.now();
    await eventually(async () => (await world.tasks(scheduleId)).length > admitted, slow);
    await world.remove(scheduleId);
    // What came due during the pause is not made up for.
    const later = (await world.firings(scheduleId))
      .slice(admitted)
      .filter((one) => one.taskId !== null);
    for (const { scheduledAt } of later) {
      expect(Date.parse(scheduledAt ?? '')).toBeGreaterThanOrEqual(resumedAt - 1_000);
    }
  }, 90_000);

  test('a person may have the work at once, also then, and the same Idempotency-Key gives it once (R9)', async () => {
    const scheduleId = await world.create({ paused: true });
    const ask = { params: { scheduleId }, idempotencyKey: 'now' };
    const [one, two] = [
      await world.api.client.schedules.trigger(ask),
      await world.api.client.schedules.trigger(ask),
    ];
    expect(two).toEqual(one);
    await world.dash.ended(one?.taskId ?? '');
    const { firings, upcoming } = await world.api.client.schedules.get({ params: { scheduleId } });
    expect(firings).toMatchObject([
      { trigger: 'person', scheduledAt: null, taskId: one?.taskId, state: 'completed' },
    ]);
    expect(upcoming?.next ?? []).toEqual([]);
    await world.remove(scheduleId);
  }, 60_000);
});

describe('rows and Schedules of Temporal', () => {
  test('a change reaches Temporal, a deletion removes what was there, running work goes on (P35)', async () => {
    const scheduleId = await world.create({ cron: '0 6 * * *', timeZone: 'Europe/Berlin' });
    const nextHour = async (): Promise<number> => {
      const { upcoming } = await world.api.client.schedules.get({ params: { scheduleId } });
      const next = new Date(upcoming?.next[0] ?? '');
      return Number(
        new Intl.DateTimeFormat('en', {
          timeZone: 'Europe/Berlin',
          hour: 'numeric',
          hourCycle: 'h23',
        }).format(next),
      );
    };
    await eventually(async () => (await nextHour()) === 6, slow);
    await world.api.client.schedules.update({
      params: { scheduleId },
      body: { cron: '0 7 * * *' },
    });
    await eventually(async () => (await nextHour()) === 7, slow);
    await world.api.client.schedules.update({
      params: { scheduleId },
      body: { everySeconds: 1, task: { prompt: 'other [[hang]]' } },
    });
    const [task] = await eventually(async () => {
      const tasks = await world.tasks(scheduleId);
      return tasks.length > 0 && tasks;
    }, slow);
    await world.remove(scheduleId);
    await eventually(async () => {
      await expect(follower(scheduleId).describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);
      return true;
    }, slow);
    const { prompt, state } = await world.api.client.tasks.get({
      params: { taskId: task?.id ?? '' },
    });
    expect(prompt).toBe('other [[hang]]');
    expect(isTerminal(state)).toBe(false);
    await expect(world.api.client.schedules.get({ params: { scheduleId } })).rejects.toMatchObject({
      problem: { code: 'schedule-not-found' },
    });
    await cancel(task?.id ?? '');
  }, 60_000);

  test('a row that Temporal does not follow is followed again, a Schedule without a row is removed (P35)', async () => {
    const { client } = world.dash.temporal;
    const scheduleId = await world.create({ cron: '0 6 * * *' });
    await eventually(async () => follower(scheduleId).describe());
    await follower(scheduleId).delete();
    await client.schedule.create({
      scheduleId: 'dash-schedule/schedule-nobody-knows',
      spec: { intervals: [{ every: '1h' }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'submissionWorkflow',
        taskQueue: 'control',
        args: [],
      },
    });
    await age(scheduleId);
    await eventually(async () => (await findingsAbout(scheduleId)).length > 0, slow);
    expect(await findingsAbout(scheduleId)).toMatchObject([
      { kind: 'schedule-not-followed', repaired: true, detail: { temporalHas: 'nothing' } },
    ]);
    await follower(scheduleId).describe();
    await eventually(async () => (await findingsAbout('schedule-nobody-knows')).length > 0, slow);
    await expect(follower('schedule-nobody-knows').describe()).rejects.toBeInstanceOf(
      ScheduleNotFoundError,
    );

    await follower(scheduleId).pause('by hand');
    await eventually(async () => !(await follower(scheduleId).describe()).state.paused, slow);
    expect((await getSchedule(world.dash.database.db, scheduleId))?.paused).toBe(false);
    await world.remove(scheduleId);
  }, 90_000);

  test('a zone that Temporal does not know stands in the row as a problem until it is changed (P35)', async () => {
    const { db } = world.dash.database;
    const scheduleId = await world.create({ cron: '0 6 * * *' });
    // What no check of the api can know: the zones of Temporal's machine.
    await db.rows(
      `update dash.schedules set time_zone = 'Mars/Olympus', revision = 7 where id = $1`,
      [scheduleId],
    );
    await age(scheduleId);
    await eventually(async () => (await getSchedule(db, scheduleId))?.problem, slow);
    const { schedule } = await world.api.client.schedules.get({ params: { scheduleId } });
    expect(schedule.problem).toContain('Mars/Olympus');
    const answer = await world.api.client.schedules.update({
      params: { scheduleId },
      body: { timeZone: 'Europe/Paris' },
    });
    expect(answer.schedule).toMatchObject({ timeZone: 'Europe/Paris', problem: null });
    await world.remove(scheduleId);
  }, 60_000);
});
