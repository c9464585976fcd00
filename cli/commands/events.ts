import { z } from 'zod';
import { EVENT_TYPES } from '../../src/domain/event-type.ts';
import { defineCommand } from '../command.ts';
import { showEvent } from '../event-line.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, flag, textList } from '../fields.ts';
import { duration } from '../output/format.ts';

export const eventsTail = defineCommand({
  path: ['events', 'tail'],
  summary: 'Follow what happens',
  details:
    'Prints each event as it comes, until Ctrl-C. After a lost connection it goes on behind the last event: none is ' +
    'lost, none printed twice. With --json: one event per line, with its cursor for --after.',
  options: [
    { flags: '--after <cursor>', help: 'go on behind this event (the cursor of an earlier line)' },
    { flags: '--from-start', help: 'begin with the oldest event kept' },
    { flags: '--type <types>', help: 'only these types, like task.accepted,task.ended' },
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    { flags: '--task <task>', help: 'only this task' },
    { flags: '--swarm <swarm>', help: 'only this swarm' },
    { flags: '--session <key>', help: 'only this session' },
    { flags: '--gateway <gateway>', help: 'only this gateway' },
  ],
  examples: ['dashctl events tail', 'dashctl events tail --swarm swarm-01j… --from-start --json'],
  input: z
    .object({
      after: z.string().optional(),
      fromStart: flag,
      type: textList.pipe(z.array(z.enum(EVENT_TYPES)).optional()),
      tenant: z.string().optional(),
      task: z.string().optional(),
      swarm: z.string().optional(),
      session: z.string().optional(),
      gateway: z.string().optional(),
    })
    .refine(({ after, fromStart }) => after === undefined || !fromStart, {
      path: ['after'],
      message: 'goes without --from-start: choose one place to begin',
    }),
  run: async ({ fromStart, after, ...filter }, context) => {
    const { output, signal } = context;
    const begin = fromStart ? 'start' : after;
    const client = await context.client();
    const events = client.events({
      ...defined({ ...filter, after: begin }),
      signal,
      onReconnect: (reason, waitMs) =>
        output.note(`The event stream broke (${reason}); it goes on in ${duration(waitMs)}.`),
    });
    for await (const { event, cursor } of events) showEvent(output, event, cursor);
    return signal.aborted ? EXIT.interrupted : EXIT.ok;
  },
});
