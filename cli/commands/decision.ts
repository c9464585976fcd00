import { z } from 'zod';
import type { WaitingDecision } from '../../src/contract/decisions.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

export const decisionList = defineCommand({
  path: ['decision', 'list'],
  summary: 'List what waits for the decision of a person',
  details:
    'Runs of which nobody but a person can say how they ended. Decide with: dashctl task decide <task> ' +
    'accept|retry|discard',
  options: [
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    { flags: '--gateway <gateway>', help: 'only what ran on this gateway' },
    ...pageOptions,
  ],
  examples: ['dashctl decision list'],
  input: z.object({
    tenant: z.string().optional(),
    gateway: z.string().optional(),
    ...pageInput,
  }),
  run: async ({ limit, cursor, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.decisions.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns,
      none: 'Nothing waits for a decision.',
    });
  },
});

export const decisionGet = defineCommand({
  path: ['decision', 'get'],
  summary: 'Show what is to be decided about a task, with the evidence',
  arguments: [{ name: 'task', help: 'task id' }],
  examples: ['dashctl decision get task-01j…'],
  input: z.object({ task: z.string() }),
  run: async ({ task: taskId }, context) => {
    const client = await context.client();
    const answer = await client.decisions.get({ params: { taskId }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(answer, (print) => {
      print.fields([
        ['task', answer.taskId],
        ['attempt', `${answer.attemptNumber} on ${answer.gatewayId} (${answer.attemptId})`],
        ['why', answer.reason],
        ['since', `${answer.since} (${age(answer.since, nowMs)})`],
        ['discarded at', answer.expiresAt ?? 'never by itself'],
        ['session', answer.session ?? '-'],
        ['runs', [...answer.runIds, ...answer.recoveryRunIds].join(' ') || '-'],
        ['decided', decided(answer)],
      ]);
      print.line();
      print.foreign(JSON.stringify(answer.evidence, null, 2));
    });
    return EXIT.ok;
  },
});

function decided({ decision }: WaitingDecision): string {
  if (decision === null) return 'no';
  return `${decision.decision} by ${decision.actor}, not carried out yet`;
}

function columns(nowMs: number): readonly Column<WaitingDecision>[] {
  return [
    { title: 'TASK', value: ({ taskId }) => taskId },
    { title: 'WHY', value: ({ reason }) => reason },
    { title: 'GATEWAY', value: ({ gatewayId }) => gatewayId },
    { title: 'SESSION', value: ({ session }) => session, canShrink: true },
    { title: 'DECIDED', value: ({ decision }) => decision?.decision },
    { title: 'WAITS', value: ({ since }) => age(since, nowMs), align: 'right' },
  ];
}
