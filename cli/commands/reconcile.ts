import { z } from 'zod';
import type { ReconcileFinding } from '../../src/contract/reconcile.ts';
import { FINDING_KINDS } from '../../src/domain/maintenance.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, flag } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

export const reconcileList = defineCommand({
  path: ['reconcile', 'list'],
  summary: 'List where rows, workflows and gateways disagreed, newest first',
  details:
    'Reconcile compares them each minute and repairs by rule. What stands unrepaired is for a person: --standing.',
  options: [
    { flags: '--kind <kind>', help: 'only this kind', choices: FINDING_KINDS },
    { flags: '--subject <id>', help: 'only about this task, session, swarm, gateway or workflow' },
    { flags: '--standing', help: 'only what is not repaired and was seen in the last 3 minutes' },
    ...pageOptions,
  ],
  examples: [
    'dashctl reconcile list --standing',
    'dashctl reconcile list --kind owner-gone --json',
  ],
  input: z.object({
    kind: z.enum(FINDING_KINDS).optional(),
    subject: z.string().optional(),
    standing: flag,
    ...pageInput,
  }),
  run: async ({ limit, cursor, standing, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.reconcile.findings({
          query: { ...defined(filter), ...(standing ? { standing: 'true' } : {}), ...part },
          signal: context.signal,
        }),
      columns,
      none: 'Nothing was found: everything agrees.',
    });
  },
});

export const reconcileRun = defineCommand({
  path: ['reconcile', 'run'],
  summary: 'Compare rows, workflows and gateways now',
  details: 'Answers when the round is asked for; dashctl reconcile list shows what it found.',
  examples: ['dashctl reconcile run'],
  input: z.object({}),
  run: async (_input, context) => {
    const answer = await (await context.client()).reconcile.run({ signal: context.signal });
    context.output.result(answer, (print) =>
      print.line('asked for; dashctl reconcile list shows what is found'),
    );
    return EXIT.ok;
  },
});

function columns(nowMs: number): readonly Column<ReconcileFinding>[] {
  return [
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'SUBJECT', value: ({ subject }) => subject, canShrink: true },
    { title: 'REPAIRED', value: ({ repaired }) => (repaired ? 'yes' : 'no') },
    { title: 'TIMES', value: ({ times }) => times, align: 'right' },
    { title: 'FIRST SEEN', value: ({ firstSeenAt }) => age(firstSeenAt, nowMs), align: 'right' },
    { title: 'LAST SEEN', value: ({ lastSeenAt }) => age(lastSeenAt, nowMs), align: 'right' },
  ];
}
