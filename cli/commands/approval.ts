import { z } from 'zod';
import {
  type Approval,
  type ApprovalSummary,
  type approvalRoutes,
} from '../../src/contract/approvals.ts';
import type { AnswerOf } from '../../src/contract/define-route.ts';
import { APPROVAL_STATES, type ApprovalState } from '../../src/domain/approval.ts';
import { defineCommand, type Command } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, textList } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Print } from '../output/output.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';

const approvalArgument = { name: 'approval', help: 'approval id' };
const stateNames = z.array(z.enum(APPROVAL_STATES, `must be one of ${APPROVAL_STATES.join(', ')}`));

export const approvalList = defineCommand({
  path: ['approval', 'list'],
  summary: 'List approvals',
  details: 'Those that wait for a decision, unless --state asks for others.',
  options: [
    {
      flags: '--state <state>',
      help: `${APPROVAL_STATES.join(', ')}; several with commas (open)`,
      repeatable: true,
    },
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    { flags: '--task <task>', help: 'only that of this task' },
    { flags: '--swarm <swarm>', help: 'only those of this swarm' },
    ...pageOptions,
  ],
  examples: ['dashctl approval list', 'dashctl approval list --state approved,rejected'],
  input: z.object({
    state: textList.transform((texts) => texts ?? ['open']).pipe(stateNames),
    tenant: z.string().optional(),
    task: z.string().optional(),
    swarm: z.string().optional(),
    ...pageInput,
  }),
  run: async ({ limit, cursor, state, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.approvals.list({
          query: { state: [...state] satisfies ApprovalState[], ...defined(filter), ...part },
          signal: context.signal,
        }),
      columns,
      none: 'No approval matches.',
    });
  },
});

export const approvalGet = defineCommand({
  path: ['approval', 'get'],
  summary: 'Show an approval and what is asked',
  arguments: [approvalArgument],
  input: z.object({ approval: z.string() }),
  run: async ({ approval: approvalId }, context) => {
    const approval = await (
      await context.client()
    ).approvals.get({ params: { approvalId }, signal: context.signal });
    context.output.result(approval, (print) => show(approval, context.clock.now(), print));
    return EXIT.ok;
  },
});

export const approvalApprove = decision('approve', {
  summary: 'Approve what waits',
  details:
    'A task goes to the queue with its old place; a step of a swarm is completed, and the comment is its output. The ' +
    'first decision counts.',
  example: 'dashctl approval approve approval-01j… --comment "checked with legal"',
});

export const approvalReject = decision('reject', {
  summary: 'Reject what waits',
  details:
    'A task ends as cancelled, its reason is `rejected`; a step of a swarm fails. The first decision counts.',
  example: 'dashctl approval reject approval-01j… --comment "not this week"',
});

function decision(
  verb: 'approve' | 'reject',
  words: { readonly summary: string; readonly details: string; readonly example: string },
): Command {
  return defineCommand({
    path: ['approval', verb],
    summary: words.summary,
    details: words.details,
    arguments: [approvalArgument],
    options: [{ flags: '--comment <text>', help: 'why; kept with the decision' }],
    examples: [words.example],
    input: z.object({ approval: z.string(), comment: z.string().optional() }),
    run: async ({ approval: approvalId, comment }, context) => {
      const { approvals } = await context.client();
      const call = {
        params: { approvalId },
        body: defined({ comment }),
        signal: context.signal,
      };
      const answer: AnswerOf<(typeof approvalRoutes)['approve']> =
        verb === 'approve' ? await approvals.approve(call) : await approvals.reject(call);
      context.output.result(answer, (print) =>
        print.line(`${approvalId} ${answer.approval.state}`),
      );
      return EXIT.ok;
    },
  });
}

function subject({ taskId, swarmId, nodeId }: ApprovalSummary): string {
  return taskId ?? `${swarmId ?? ''} ${nodeId ?? ''}`;
}

function columns(nowMs: number): readonly Column<ApprovalSummary>[] {
  return [
    { title: 'APPROVAL', value: ({ id }) => id },
    { title: 'STATE', value: stateWords },
    { title: 'FOR', value: subject, canShrink: true },
    { title: 'APPROVERS', value: ({ approvers }) => approvers?.join(', '), canShrink: true },
    { title: 'EXPIRES', value: ({ state, expiresAt }) => (state === 'open' ? expiresAt : null) },
    { title: 'ASKED', value: ({ createdAt }) => age(createdAt, nowMs), align: 'right' },
    { title: 'WHAT', value: ({ excerpt }) => excerpt, canShrink: true },
  ];
}

function stateWords({ state, escalatedAt, decidedBy }: ApprovalSummary): string {
  if (state === 'open') return escalatedAt === null ? 'open' : 'open (escalated)';
  return decidedBy === null && state !== 'withdrawn' ? `${state} (expired)` : state;
}

function show(approval: Approval, nowMs: number, print: Print): void {
  print.fields([
    ['approval', approval.id],
    ['state', stateWords(approval)],
    ['for', approval.taskId === null ? undefined : `task ${approval.taskId}`],
    ['swarm', approval.swarmId],
    ['step', approval.nodeId],
    ['approvers', approval.approvers?.join(', ') ?? 'whoever may write approvals'],
    ['asked', `${approval.createdAt} (${age(approval.createdAt, nowMs)})`],
    ['asked by', approval.requestedBy],
    [
      'expires',
      approval.expiresAt === null
        ? undefined
        : `${approval.expiresAt}, then: ${approval.escalatedAt === null ? approval.onExpiry : 'reject'}`,
    ],
    ['escalates to', approval.escalateTo?.join(', ')],
    ['decided by', approval.decidedBy],
    ['decided', approval.decidedAt],
    ['comment', approval.comment],
  ]);
  print.line();
  print.foreign(approval.prompt);
}
