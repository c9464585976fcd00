import { z } from 'zod';
import type { Fleet } from '../../src/contract/fleet.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { boundOrNone, positiveCount, spanSeconds } from '../fields.ts';
import { duration } from '../output/format.ts';

export const fleetStatus = defineCommand({
  path: ['fleet', 'status'],
  summary: 'Show the brake, the limits and the work of the fleet',
  input: z.object({}),
  run: async (_given, context) =>
    show(await (await context.client()).fleet.get({ signal: context.signal }), context),
});

const reason = {
  options: [{ flags: '--reason <text>', help: 'why, for the audit trail' }],
  input: z.object({ reason: z.string().default('') }),
};

export const fleetPause = defineCommand({
  path: ['fleet', 'pause'],
  summary: 'Claim nothing more; what runs goes on',
  details:
    'The brake for everything: when it answers, no task is given to a gateway any more. Submits are accepted.',
  ...reason,
  run: async (body, context) =>
    show(await (await context.client()).fleet.pause({ body, signal: context.signal }), context),
});

export const fleetResume = defineCommand({
  path: ['fleet', 'resume'],
  summary: 'Claim again after a pause',
  ...reason,
  run: async (body, context) =>
    show(await (await context.client()).fleet.resume({ body, signal: context.signal }), context),
});

export const fleetLimits = defineCommand({
  path: ['fleet', 'limits'],
  summary: 'Set bounds, caps and the ageing interval',
  details:
    'What is not given stays as it is; `none` takes a limit away. Bounds hold from the next submit on (429 above them), ' +
    'caps from the next claim on.',
  options: [
    { flags: '--max-open <n>', help: 'open tasks in total' },
    {
      flags: '--max-open-per-tenant <n>',
      help: 'open tasks of a tenant without a bound of its own',
    },
    { flags: '--max-open-per-pool <n>', help: 'open tasks of a pool' },
    { flags: '--max-running <n>', help: 'lanes at the same time in total' },
    {
      flags: '--max-running-per-tenant <n>',
      help: 'lanes at the same time of a tenant without a cap of its own',
    },
    {
      flags: '--ageing <span>',
      help: 'after so long in the queue a task is raised by one level, never above high',
    },
  ],
  examples: ['dashctl fleet limits --max-running-per-tenant 20 --ageing 5m'],
  input: z.object({
    maxOpen: positiveCount.optional(),
    maxOpenPerTenant: boundOrNone.optional(),
    maxOpenPerPool: boundOrNone.optional(),
    maxRunning: boundOrNone.optional(),
    maxRunningPerTenant: boundOrNone.optional(),
    ageing: spanSeconds.optional(),
  }),
  run: async (given, context) => {
    const body = {
      ...(given.maxOpen === undefined ? {} : { maxOpenTasks: given.maxOpen }),
      ...(given.maxOpenPerTenant === undefined
        ? {}
        : { maxOpenTasksPerTenant: given.maxOpenPerTenant }),
      ...(given.maxOpenPerPool === undefined ? {} : { maxOpenTasksPerPool: given.maxOpenPerPool }),
      ...(given.maxRunning === undefined ? {} : { maxRunningTotal: given.maxRunning }),
      ...(given.maxRunningPerTenant === undefined
        ? {}
        : { maxRunningPerTenant: given.maxRunningPerTenant }),
      ...(given.ageing === undefined ? {} : { ageingSeconds: given.ageing }),
    };
    return show(
      await (await context.client()).fleet.limits({ body, signal: context.signal }),
      context,
    );
  },
});

function show(fleet: Fleet, context: CliContext): ExitCode {
  context.output.result(fleet, (print) => print.fields(fieldsOf(fleet)));
  return EXIT.ok;
}

function fieldsOf(fleet: Fleet): [string, string | number | null][] {
  const { limits, counts } = fleet;
  return [
    ['claims', fleet.paused ? pausedWords(fleet) : 'going on'],
    ['open tasks', `${counts.openTasks} of ${limits.maxOpenTasks}: ${words(counts.tasks)}`],
    ['lanes', `${counts.heldLanes} held, ${counts.freeLanes} free`],
    ['gateways', words(counts.gateways)],
    ['open per tenant', limits.maxOpenTasksPerTenant ?? 'no bound'],
    ['open per pool', limits.maxOpenTasksPerPool ?? 'no bound'],
    ['running at most', limits.maxRunningTotal ?? 'no cap'],
    ['running per tenant', limits.maxRunningPerTenant ?? 'no cap'],
    ['ageing', `one level per ${duration(limits.ageingSeconds * 1000)}`],
  ];
}

function pausedWords({ pausedAt, pausedBy, pauseReason }: Fleet): string {
  const why = pauseReason === null ? '' : `: ${pauseReason}`;
  return `paused since ${pausedAt} by ${pausedBy}${why}`;
}

function words(counts: Readonly<Partial<Record<string, number>>>): string {
  const list = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return list.length === 0 ? 'none' : list.toSorted().join(', ');
}
