import { z } from 'zod';
import type { Swarm, SwarmNode } from '../../src/contract/swarms.ts';
import { SWARM_STATES } from '../../src/contract/swarms.ts';
import { defineCommand, type Command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { defined, flag, positiveCount, spanSeconds, textList } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';
import { settledNodes, swarmLine } from '../swarm-outcome.ts';
import { waitForSwarm } from './swarm-run.ts';

const swarmArgument = { name: 'swarm', help: 'swarm id' };

export const swarmStatus = defineCommand({
  path: ['swarm', 'status'],
  summary: 'Show a swarm and its nodes',
  arguments: [swarmArgument],
  options: [
    {
      flags: '--wait',
      help: 'follow it to its end and print the answers (exit code 1 when it did not complete)',
    },
    { flags: '--timeout <span>', help: 'with --wait: how long to wait (exit code 3 afterwards)' },
  ],
  examples: ['dashctl swarm status swarm-01j…'],
  input: z.object({ swarm: z.string(), wait: flag, timeout: spanSeconds.optional() }),
  run: async ({ swarm: swarmId, wait, timeout }, context) => {
    if (wait) return waitForSwarm({ swarmId, timeout }, context);
    const view = await (
      await context.client()
    ).swarms.get({ params: { swarmId }, signal: context.signal });
    const { swarm, nodes } = view;
    context.output.result(view, (print) => {
      print.fields([
        ['swarm', swarm.id],
        ['name', swarm.name],
        ['state', swarmLine(swarm)],
        ['on failure', swarm.onFailure],
        ['max parallel', swarm.maxParallel],
        ['tenant', swarm.tenant],
        ['accepted', `${swarm.createdAt} (${age(swarm.createdAt, context.clock.now())})`],
        ['ended', swarm.finishedAt],
        ['workflow', swarm.workflowId],
        ['correlation', swarm.correlationId],
      ]);
      print.line();
      print.table(nodeColumns, nodes);
    });
    return EXIT.ok;
  },
});

export const swarmList = defineCommand({
  path: ['swarm', 'list'],
  summary: 'List swarms, newest first',
  options: [
    { flags: '--state <states>', help: `only these states (${SWARM_STATES.join(', ')})` },
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    ...pageOptions,
  ],
  input: z.object({
    state: textList.pipe(z.array(z.enum(SWARM_STATES)).optional()),
    tenant: z.string().optional(),
    ...pageInput,
  }),
  run: async ({ limit, cursor, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit,
      cursor,
      read: (part) =>
        client.swarms.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns: swarmColumns,
      none: 'No swarm matches.',
    });
  },
});

type Change = 'cancel' | 'pause' | 'resume';

export const swarmCancel = defineCommand({
  path: ['swarm', 'cancel'],
  summary: 'Cancel a swarm and its open tasks',
  details:
    'Answers when the wish is stored. With --wait: when everything has ended; exit code 0 when it was cancelled.',
  arguments: [swarmArgument],
  options: [
    { flags: '--wait', help: 'until everything has ended' },
    { flags: '--timeout <span>', help: 'with --wait: how long to wait (exit code 3 afterwards)' },
  ],
  input: z.object({ swarm: z.string(), wait: flag, timeout: spanSeconds.optional() }),
  run: async ({ swarm: swarmId, wait, timeout }, context) => {
    const { swarm } = await (
      await context.client()
    ).swarms.cancel({ params: { swarmId }, signal: context.signal });
    if (!wait) return told(swarm, 'cancel requested', context);
    await waitForSwarm({ swarmId, timeout }, context);
    const after = await (await context.client()).swarms.get({ params: { swarmId } });
    return after.swarm.state === 'cancelled' ? EXIT.ok : EXIT.failed;
  },
});

export const swarmPause = change(
  'pause',
  'Admit nothing more of a swarm and hold what is queued',
  'paused',
);
export const swarmResume = change('resume', 'Go on after a pause', 'resumed');

function change(name: Exclude<Change, 'cancel'>, summary: string, words: string): Command {
  return defineCommand({
    path: ['swarm', name],
    summary,
    arguments: [swarmArgument],
    input: z.object({ swarm: z.string() }),
    run: async ({ swarm: swarmId }, context) => {
      const { swarm } = await (
        await context.client()
      ).swarms[name]({ params: { swarmId }, signal: context.signal });
      return told(swarm, words, context);
    },
  });
}

export const swarmScale = defineCommand({
  path: ['swarm', 'scale'],
  summary: 'Change how many tasks of a swarm may be open at the same time',
  arguments: [swarmArgument, { name: 'max-parallel', help: 'tasks at the same time' }],
  input: z.object({ swarm: z.string(), maxParallel: positiveCount }),
  run: async ({ swarm: swarmId, maxParallel }, context) => {
    const answer = await (
      await context.client()
    ).swarms.scale({ params: { swarmId }, body: { maxParallel }, signal: context.signal });
    return told(answer.swarm, `scaled to ${maxParallel}`, context);
  },
});

function told(swarm: Swarm, words: string, context: CliContext): ExitCode {
  context.output.result({ swarm }, (print) => print.line(`${swarm.id} ${words}`));
  return EXIT.ok;
}

function taskStateWords({ kind, state, taskState }: SwarmNode): string | null {
  return kind === 'approval' && state === 'admitted' ? 'waits for approval' : taskState;
}

const nodeColumns: readonly Column<SwarmNode>[] = [
  { title: 'NODE', value: ({ id }) => id },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'TASK', value: ({ taskId, approvalId }) => taskId ?? approvalId },
  { title: 'TASK STATE', value: taskStateWords },
  { title: 'AFTER', value: ({ dependsOn }) => dependsOn.join(' '), canShrink: true },
  { title: 'WHY', value: ({ reason }) => reason, canShrink: true },
];

function swarmColumns(nowMs: number): readonly Column<Swarm>[] {
  return [
    { title: 'SWARM', value: ({ id }) => id },
    { title: 'NAME', value: ({ name }) => name, canShrink: true },
    { title: 'STATE', value: ({ state }) => state },
    {
      title: 'NODES',
      value: (swarm) => `${settledNodes(swarm)}/${totalNodes(swarm)}`,
      align: 'right',
    },
    { title: 'FAILED', value: ({ nodeCounts }) => nodeCounts.failed, align: 'right' },
    { title: 'TENANT', value: ({ tenant }) => tenant },
    { title: 'ACCEPTED', value: ({ createdAt }) => age(createdAt, nowMs), align: 'right' },
  ];
}

function totalNodes(swarm: Swarm): number {
  return settledNodes(swarm) + swarm.nodeCounts.waiting + swarm.nodeCounts.admitted;
}
