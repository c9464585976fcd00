import { z } from 'zod';
import type { Schedule } from '../../src/contract/schedules.ts';
import { defineCommand, type Command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { flag } from '../fields.ts';
import { definitionFrom, definitionInput, definitionOptions } from '../schedule-fields.ts';
import { submitSafely } from '../submit-safely.ts';

const scheduleArgument = { name: 'schedule', help: 'schedule id' };

export const scheduleCreate = defineCommand({
  path: ['schedule', 'create'],
  summary: 'Admit a task or a swarm again and again',
  details:
    'By --cron or --every; the work is a task (--prompt or --file) or a swarm (--swarm). Prints the id of the schedule.',
  options: [
    { flags: '--name <name>', help: 'what people call it' },
    ...definitionOptions,
    { flags: '--paused', help: 'begin with a pause' },
    { flags: '--tenant <tenant>', help: "tenant (the API key's own)" },
    { flags: '--idempotency-key <key>', help: 'repeat safely: the same key answers the same one' },
  ],
  examples: [
    'dashctl schedule create --name report --cron "30 6 * * MON-FRI" --time-zone Europe/Berlin --prompt "Write the report"',
  ],
  input: z.object({
    name: z.string({ error: 'is needed: what people call it' }),
    ...definitionInput,
    paused: flag,
    tenant: z.string().optional(),
    idempotencyKey: z.string().optional(),
  }),
  run: async ({ name, paused, tenant, idempotencyKey, ...given }, context) => {
    const body = {
      name,
      ...(await definitionFrom(given, context)),
      ...(paused ? { paused } : {}),
      ...(tenant === undefined ? {} : { tenant }),
    };
    const client = await context.client();
    const answer = await submitSafely({
      context,
      idempotencyKey: idempotencyKey ?? context.randomId(),
      submit: (key) =>
        client.schedules.create({ body, idempotencyKey: key, signal: context.signal }),
    });
    context.output.result(answer, (print) => print.line(answer.schedule.id));
    return EXIT.ok;
  },
});

export const scheduleUpdate = defineCommand({
  path: ['schedule', 'update'],
  summary: 'Change a schedule; what is left out stays as it is',
  arguments: [scheduleArgument],
  options: [{ flags: '--name <name>', help: 'what people call it' }, ...definitionOptions],
  examples: ['dashctl schedule update schedule-01j… --every 15m'],
  input: z.object({ schedule: z.string(), name: z.string().optional(), ...definitionInput }),
  run: async ({ schedule: scheduleId, name, ...given }, context) => {
    const body = {
      ...(name === undefined ? {} : { name }),
      ...(await definitionFrom(given, context)),
    };
    const answer = await (
      await context.client()
    ).schedules.update({ params: { scheduleId }, body, signal: context.signal });
    return told(answer.schedule, `changed, revision ${answer.schedule.revision}`, context);
  },
});

export const schedulePause = change('pause', 'Admit nothing more by time', 'paused');
export const scheduleResume = change('resume', 'Go on after a pause', 'resumed');
export const scheduleDelete = change('remove', 'Delete a schedule', 'deleted');

function change(name: 'pause' | 'resume' | 'remove', summary: string, words: string): Command {
  return defineCommand({
    path: ['schedule', name === 'remove' ? 'delete' : name],
    summary,
    details: 'What was admitted goes on.',
    arguments: [scheduleArgument],
    input: z.object({ schedule: z.string() }),
    run: async ({ schedule: scheduleId }, context) => {
      const { schedule } = await (
        await context.client()
      ).schedules[name]({ params: { scheduleId }, signal: context.signal });
      return told(schedule, words, context);
    },
  });
}

export const scheduleTrigger = defineCommand({
  path: ['schedule', 'trigger'],
  summary: 'Admit the work of a schedule now',
  details:
    'Beside whatever runs, also while it is paused. Prints the id of the task or swarm. Safe to repeat with the same ' +
    '--idempotency-key.',
  arguments: [scheduleArgument],
  options: [
    { flags: '--idempotency-key <key>', help: 'repeat safely: the same key answers the same work' },
  ],
  input: z.object({ schedule: z.string(), idempotencyKey: z.string().optional() }),
  run: async ({ schedule: scheduleId, idempotencyKey }, context) => {
    const client = await context.client();
    const answer = await submitSafely({
      context,
      idempotencyKey: idempotencyKey ?? context.randomId(),
      submit: (key) =>
        client.schedules.trigger({
          params: { scheduleId },
          idempotencyKey: key,
          signal: context.signal,
        }),
    });
    context.output.result(answer, (print) =>
      print.line(answer.taskId ?? answer.swarmId ?? 'nothing'),
    );
    return EXIT.ok;
  },
});

function told(schedule: Schedule, words: string, context: CliContext): ExitCode {
  context.output.result({ schedule }, (print) => print.line(`${schedule.id} ${words}`));
  return EXIT.ok;
}
