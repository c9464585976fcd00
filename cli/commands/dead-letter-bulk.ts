import { z } from 'zod';
import type { BulkOperation } from '../../src/contract/bulk-operations.ts';
import type { CallInput, DashClient } from '../../src/contract/client.ts';
import type { ROUTES } from '../../src/contract/routes.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { deadLetterFilter, deadLetterFilterOptions } from '../dead-letter-filter.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { defined, flag, spanSeconds } from '../fields.ts';
import { follow } from '../follow.ts';
import { count } from '../output/format.ts';
import { editsFrom, replayEditOptions, replayEdits } from '../replay-edits.ts';
import { letterColumns } from './dead-letter-read.ts';

type BulkRequest = NonNullable<CallInput<(typeof ROUTES)['bulkOperations']['start']>['body']>;

const bulkOptions = [
  ...deadLetterFilterOptions,
  { flags: '--all', help: 'every open dead letter; needed when no filter is given' },
  { flags: '--dry-run', help: 'only say which it would be' },
  { flags: '--watch', help: 'follow it to its end' },
  {
    flags: '--timeout <span>',
    help: 'with --watch: how long (exit code 3 afterwards; it goes on)',
  },
];
const bulkInput = {
  ...deadLetterFilter,
  all: flag,
  dryRun: flag,
  watch: flag,
  timeout: spanSeconds.optional(),
};

export const deadLetterReplay = defineCommand({
  path: ['dead-letter', 'replay'],
  summary: 'Replay many dead letters',
  details:
    'Every open one that the filter names becomes a new task, in the order of acceptance; a bound on open work is ' +
    'waited out. A single one: dashctl task replay <task>.',
  options: [...bulkOptions, ...replayEditOptions],
  examples: [
    'dashctl dead-letter replay --gateway local-1 --dry-run',
    'dashctl dead-letter replay --failure-class transient --to-pool spare --watch',
  ],
  input: z.object({ ...bulkInput, ...replayEdits }),
  run: ({ toPool, agent, priority, maxAttempts, runLimit, ...asked }, context) =>
    runBulk(
      asked,
      { action: 'replay', edits: editsFrom({ toPool, agent, priority, maxAttempts, runLimit }) },
      context,
    ),
});

export const deadLetterDiscard = defineCommand({
  path: ['dead-letter', 'discard'],
  summary: 'Discard many dead letters',
  details: 'A single one: dashctl task discard <task>.',
  options: [...bulkOptions, { flags: '--note <text>', help: 'why; kept with each' }],
  examples: ['dashctl dead-letter discard --swarm swarm-01j… --note "superseded" --watch'],
  input: z.object({ ...bulkInput, note: z.string().optional() }),
  run: ({ note, ...asked }, context) =>
    runBulk(asked, { action: 'discard', ...defined({ note }) }, context),
});

export const deadLetterProgress = defineCommand({
  path: ['dead-letter', 'progress'],
  summary: 'Show how far a bulk operation is, or end it',
  arguments: [{ name: 'operation', help: 'id of the bulk operation' }],
  options: [{ flags: '--cancel', help: 'end it before its time; what it did stays done' }],
  examples: ['dashctl dead-letter progress bulk-01j…'],
  input: z.object({ operation: z.string(), cancel: flag }),
  run: async ({ operation: bulkId, cancel }, context) => {
    const client = await context.client();
    const call = { params: { bulkId }, signal: context.signal };
    const answer = await (cancel
      ? client.bulkOperations.cancel(call)
      : client.bulkOperations.get(call));
    context.output.result(answer, (print) => print.line(progressWords(answer)));
    return EXIT.ok;
  },
});

interface Asked {
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly watch: boolean;
  readonly timeout?: number | undefined;
}

async function runBulk(
  { all, dryRun, watch, timeout, ...given }: Asked & { readonly [option: string]: unknown },
  what: Pick<BulkRequest, 'action' | 'edits' | 'note'>,
  context: CliContext,
): Promise<ExitCode> {
  const filter: BulkRequest['filter'] = defined(given);
  if (!all && Object.keys(filter).length === 0) {
    throw new CliError({
      exitCode: EXIT.usage,
      code: 'usage',
      message: 'Say which dead letters are meant, or --all.',
      hint: `See: dashctl dead-letter ${what.action} --help`,
    });
  }
  const client = await context.client();
  const answer = await client.bulkOperations.start({
    body: { ...what, filter, dryRun },
    signal: context.signal,
  });
  if (answer.dryRun) {
    context.output.result(answer, (print) => {
      print.line(`would ${what.action} ${count(answer.count, 'dead letter')}`);
      if (answer.sample.length > 0) print.table(letterColumns(context.clock.now()), answer.sample);
    });
    return EXIT.ok;
  }
  const { operation } = answer;
  if (!watch) {
    context.output.result(answer, (print) => print.line(operation.id));
    return EXIT.ok;
  }
  const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
  const ended = await watchBulk(operation, { client, context, timeoutMs });
  context.output.result({ operation: ended }, (print) => print.line(progressWords(ended)));
  return ended.state === 'completed' ? EXIT.ok : EXIT.failed;
}

function watchBulk(
  { id: bulkId }: BulkOperation,
  by: { client: DashClient; context: CliContext; timeoutMs: number | undefined },
): Promise<BulkOperation> {
  const { client, context, timeoutMs } = by;
  let said = '';
  return follow({
    context,
    client,
    what: `bulk operation ${bulkId}`,
    filter: {},
    timeoutMs,
    read: () => client.bulkOperations.get({ params: { bulkId }, signal: context.signal }),
    isEnd: ({ state }) => state !== 'running',
    onState: (state) => {
      const words = progressWords(state);
      if (words !== said && state.state === 'running') context.output.note(words);
      said = words;
    },
  });
}

function progressWords(row: BulkOperation): string {
  const waiting = row.waitingFor === null ? '' : `, waits: ${row.waitingFor} is reached`;
  return `${row.id} ${row.action} ${row.state}: ${row.done} of ${row.total} done, ${row.skipped} skipped${waiting}`;
}
