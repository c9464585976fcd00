import { z } from 'zod';
import type { Session } from '../../src/contract/sessions.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';
import { taskColumns } from '../task-columns.ts';

export const sessionList = defineCommand({
  path: ['session', 'list'],
  summary: 'List sessions',
  options: [
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    { flags: '--gateway <gateway>', help: 'only those that live on this gateway' },
    ...pageOptions,
  ],
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
        client.sessions.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns,
      none: 'No session matches.',
    });
  },
});

export const sessionGet = defineCommand({
  path: ['session', 'get'],
  summary: 'Show a session',
  details:
    'With its open tasks, in their order. All of its tasks: dashctl task list --session <key>.',
  arguments: [{ name: 'session', help: 'session key' }],
  options: [{ flags: '--tenant <tenant>', help: "whose session (the API key's own tenant)" }],
  input: z.object({ session: z.string(), tenant: z.string().optional() }),
  run: async ({ session: sessionKey, tenant }, context) => {
    const answer = await (
      await context.client()
    ).sessions.get({
      params: { sessionKey },
      query: defined({ tenant }),
      signal: context.signal,
    });
    const nowMs = context.clock.now();
    context.output.result(answer, (print) => {
      const { session, tasks } = answer;
      print.fields([
        ['session', session.key],
        ['tenant', session.tenant],
        ['gateway', session.gatewayId ?? 'none yet: its first task was not claimed'],
        ['open tasks', session.openTasks],
        ['set apart', quarantineWords(session)],
        ['since', session.createdAt],
        ['last change', `${session.updatedAt} (${age(session.updatedAt, nowMs)})`],
      ]);
      if (tasks.length === 0) return;
      print.line();
      print.table(taskColumns(nowMs), tasks);
    });
    return EXIT.ok;
  },
});

function quarantineWords({ quarantine }: Session): string {
  if (quarantine === null) return 'no';
  return `since ${quarantine.since} by ${quarantine.by}: ${quarantine.reason}`;
}

function columns(nowMs: number): readonly Column<Session>[] {
  return [
    { title: 'SESSION', value: ({ key }) => key, canShrink: true },
    { title: 'TENANT', value: ({ tenant }) => tenant },
    { title: 'GATEWAY', value: ({ gatewayId }) => gatewayId },
    { title: 'SET APART', value: ({ quarantine }) => (quarantine === null ? null : 'yes') },
    { title: 'OPEN TASKS', value: ({ openTasks }) => openTasks, align: 'right' },
    { title: 'LAST CHANGE', value: ({ updatedAt }) => age(updatedAt, nowMs), align: 'right' },
  ];
}
