import { z } from 'zod';
import type { Schedule, ScheduleFiring } from '../../src/contract/schedules.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

export const scheduleList = defineCommand({
  path: ['schedule', 'list'],
  summary: 'List schedules, newest first',
  options: [{ flags: '--tenant <tenant>', help: 'only this tenant' }, ...pageOptions],
  input: z.object({
    tenant: z.string().optional(),
    ...pageInput,
  }),
  run: async ({ limit, cursor, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.schedules.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns: () => columns,
      none: 'No schedule matches.',
    });
  },
});

export const scheduleGet = defineCommand({
  path: ['schedule', 'get'],
  summary: 'Show a schedule with its next and recent firings',
  arguments: [{ name: 'schedule', help: 'schedule id' }],
  input: z.object({ schedule: z.string() }),
  run: async ({ schedule: scheduleId }, context) => {
    const view = await (
      await context.client()
    ).schedules.get({ params: { scheduleId }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(view, (print) => {
      const { schedule, upcoming, firings } = view;
      print.fields([
        ['schedule', schedule.id],
        ['name', schedule.name],
        ['when', timing(schedule)],
        ['state', stateOf(schedule)],
        [
          'next',
          upcoming === null ? 'not known: Temporal does not say' : (upcoming.next[0] ?? 'none'),
        ],
        ['overlap', schedule.overlap],
        ['left out by it', upcoming?.skippedByOverlap],
        ['catch-up', `${schedule.catchupSeconds} s`],
        ['missed', upcoming?.missedCatchup],
        ['work', schedule.task === null ? 'a swarm' : 'a task'],
        ['tenant', schedule.tenant],
        ['note', schedule.note],
        ['changed', `${schedule.updatedAt} (${age(schedule.updatedAt, nowMs)})`],
      ]);
      if (firings.length === 0) return;
      print.line();
      print.table(firingColumns, firings);
    });
    return EXIT.ok;
  },
});

function timing({ cron, timeZone, everySeconds }: Schedule): string {
  return cron === null ? `every ${everySeconds ?? 0} s` : `${cron} (${timeZone})`;
}

function stateOf({ paused, problem }: Schedule): string {
  if (problem !== null) return `does not run: ${problem}`;
  return paused ? 'paused' : 'active';
}

const columns: readonly Column<Schedule>[] = [
  { title: 'SCHEDULE', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name, canShrink: true },
  { title: 'WHEN', value: timing },
  { title: 'STATE', value: stateOf, canShrink: true },
  { title: 'OVERLAP', value: ({ overlap }) => overlap },
  { title: 'TENANT', value: ({ tenant }) => tenant },
];

const firingColumns: readonly Column<ScheduleFiring>[] = [
  { title: 'DUE', value: ({ scheduledAt }) => scheduledAt ?? 'by a person' },
  { title: 'FIRED', value: ({ firedAt }) => firedAt },
  { title: 'WORK', value: ({ taskId, swarmId }) => taskId ?? swarmId },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'WHY NOT', value: ({ refusal }) => refusal, canShrink: true },
];
