import { z } from 'zod';
import type { DeadLetter } from '../../src/contract/dead-letters.ts';
import { defineCommand } from '../command.ts';
import { deadLetterFilter, deadLetterFilterOptions } from '../dead-letter-filter.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, flag, textList } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';
import { attemptColumns } from '../task-columns.ts';

const STATES = ['open', 'replayed', 'discarded'] as const;

export const deadLetterList = defineCommand({
  path: ['dead-letter', 'list'],
  summary: 'List dead letters, newest task first',
  options: [
    { flags: '--state <states>', help: `only these states (${STATES.join(', ')}; open)` },
    ...deadLetterFilterOptions,
    ...pageOptions,
    { flags: '--all', help: 'all of them' },
  ],
  examples: [
    'dashctl dead-letter list',
    'dashctl dead-letter list --gateway local-1 --failure-class transient,unknown',
  ],
  input: z.object({
    state: textList.pipe(z.array(z.enum(STATES)).optional()).default(['open']),
    ...deadLetterFilter,
    ...pageInput,
    all: flag,
  }),
  run: async ({ limit, cursor, all, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit: all ? Number.MAX_SAFE_INTEGER : limit,
      cursor,
      read: (part) =>
        client.deadLetters.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns: letterColumns,
      none: 'No dead letter matches.',
      takesAll: true,
    });
  },
});

export const deadLetterGet = defineCommand({
  path: ['dead-letter', 'get'],
  summary: 'Show a dead letter with every attempt',
  arguments: [{ name: 'task', help: 'task id' }],
  examples: ['dashctl dead-letter get task-01j…'],
  input: z.object({ task: z.string() }),
  run: async ({ task: taskId }, context) => {
    const client = await context.client();
    const answer = await client.deadLetters.get({ params: { taskId }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(answer, (print) => {
      const { deadLetter, task, attempts } = answer;
      print.fields([
        ['task', deadLetter.taskId],
        ['state', deadLetter.state],
        ['reason', deadLetter.reason],
        ['message', deadLetter.message ?? '-'],
        ['dead since', `${deadLetter.createdAt} (${age(deadLetter.createdAt, nowMs)})`],
        ['session', deadLetter.session ?? '-'],
        ['replayed as', deadLetter.replayTaskId ?? '-'],
        ['closed by', deadLetter.resolvedBy ?? '-'],
        ['note', deadLetter.note ?? '-'],
      ]);
      print.line();
      print.foreign(task.prompt);
      if (attempts.length === 0) return;
      print.line();
      print.table(attemptColumns, attempts);
    });
    return EXIT.ok;
  },
});

export function letterColumns(nowMs: number): readonly Column<DeadLetter>[] {
  return [
    { title: 'TASK', value: ({ taskId }) => taskId },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'REASON', value: ({ reason }) => reason },
    { title: 'CLASS', value: ({ failureClass }) => failureClass },
    { title: 'GATEWAY', value: ({ gatewayId }) => gatewayId },
    { title: 'ATTEMPTS', value: ({ attempts }) => attempts, align: 'right' },
    { title: 'SESSION', value: ({ session }) => session, canShrink: true },
    { title: 'DEAD', value: ({ createdAt }) => age(createdAt, nowMs), align: 'right' },
    { title: 'WHY', value: ({ message }) => message, canShrink: true },
  ];
}
