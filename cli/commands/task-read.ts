import { z } from 'zod';
import type { Attempt, Task } from '../../src/contract/task-dto.ts';
import { isTerminal, PRIORITIES, TASK_STATES, type PriorityName } from '../../src/domain/task.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { showEvent } from '../event-line.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { defined, flag, spanSeconds, textList } from '../fields.ts';
import { age, money } from '../output/format.ts';
import type { Print } from '../output/output.ts';
import { listPages, pageInput, pageOptions } from '../pages.ts';
import { attemptColumns, taskColumns } from '../task-columns.ts';
import { attemptsOf, followTask, showOutcome, stateWords } from '../task-outcome.ts';

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];
const taskArgument = { name: 'task', help: 'task id' };

export const taskGet = defineCommand({
  path: ['task', 'get'],
  summary: 'Show a task: state, attempts, answer',
  arguments: [taskArgument],
  examples: ['dashctl task get task-01j…', 'dashctl task get task-01j… --json'],
  input: z.object({ task: z.string() }),
  run: async ({ task: taskId }, context) => {
    const client = await context.client();
    const task = await client.tasks.get({ params: { taskId }, signal: context.signal });
    const attempts = await attemptsOf(client, taskId);
    context.output.result({ task, attempts }, (print) => printTask(task, attempts, print, context));
    return EXIT.ok;
  },
});

export const taskList = defineCommand({
  path: ['task', 'list'],
  summary: 'List tasks, newest first',
  options: [
    { flags: '--state <states>', help: `only these states (${TASK_STATES.join(', ')})` },
    { flags: '--tenant <tenant>', help: 'only this tenant' },
    { flags: '--pool <pool>', help: 'only this pool' },
    { flags: '--session <key>', help: 'only this session' },
    { flags: '--swarm <id>', help: 'only this swarm' },
    { flags: '--priority <level>', help: 'only this priority', choices: priorityNames },
    ...pageOptions,
    { flags: '--all', help: 'all of them' },
  ],
  examples: [
    'dashctl task list --state queued,dispatched',
    'dashctl task list --swarm swarm-01j… --all --json',
  ],
  input: z.object({
    state: textList.pipe(z.array(z.enum(TASK_STATES)).optional()),
    tenant: z.string().optional(),
    pool: z.string().optional(),
    session: z.string().optional(),
    swarm: z.string().optional(),
    priority: z.enum(priorityNames).optional(),
    ...pageInput,
    all: flag,
  }),
  run: async ({ limit, cursor, all, ...filter }, context) => {
    const client = await context.client();
    return listPages(context, {
      limit: all ? Number.MAX_SAFE_INTEGER : limit,
      cursor,
      read: (part) =>
        client.tasks.list({ query: { ...defined(filter), ...part }, signal: context.signal }),
      columns: taskColumns,
      none: 'No task matches.',
      takesAll: true,
    });
  },
});

export const taskWatch = defineCommand({
  path: ['task', 'watch'],
  summary: 'Follow a task from its acceptance to its end',
  details:
    'Prints what happened to it so far, then what happens, until it ends; then its answer. Exit code 1 when it ended ' +
    'badly. With --json: one event per line, the task itself as the last line.',
  arguments: [taskArgument],
  options: [
    {
      flags: '--timeout <span>',
      help: 'how long to watch (exit code 3 afterwards; the task goes on)',
    },
  ],
  examples: ['dashctl task watch task-01j…'],
  input: z.object({ task: z.string(), timeout: spanSeconds.optional() }),
  run: watch,
});

/** Events follow the row by moments; when none came for this long after the end, all have come. */
const LAST_EVENTS_MS = 300;

async function watch(
  { task: taskId, timeout }: { task: string; timeout?: number | undefined },
  context: CliContext,
): Promise<ExitCode> {
  const { clock, output } = context;
  const client = await context.client();
  await client.tasks.get({ params: { taskId }, signal: context.signal });
  const ended = new AbortController();
  const stop = AbortSignal.any([context.signal, ended.signal]);
  let lastEventAt = clock.monotonic();
  const telling = (async () => {
    for await (const { event, cursor } of client.events({
      task: taskId,
      after: 'start',
      signal: stop,
    })) {
      showEvent(output, event, cursor);
      lastEventAt = clock.monotonic();
    }
  })();
  try {
    const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
    const silent = { ...context, output: { ...output, note: () => undefined } };
    const outcome = await Promise.race([
      followTask({ context: silent, client, taskId, timeoutMs }),
      // Ends only by a refusal (a key without events:read), which is the command's own.
      telling.then(() => new Promise<never>(() => undefined)),
    ]);
    const endedAt = clock.monotonic();
    while (clock.monotonic() - Math.max(endedAt, lastEventAt) < LAST_EVENTS_MS)
      await clock.sleep(50, stop);
    if (!output.json) return showOutcome(outcome, context);
    output.item(outcome, () => undefined);
    return outcome.task.state === 'completed' ? EXIT.ok : EXIT.failed;
  } finally {
    ended.abort();
    await telling.catch(() => undefined);
  }
}

function printTask(
  task: Task,
  attempts: readonly Attempt[],
  print: Print,
  context: CliContext,
): void {
  const nowMs = context.clock.now();
  print.fields([
    ['task', task.id],
    ['state', isTerminal(task.state) ? task.state : stateWords(task)],
    [
      'priority',
      task.priority === task.effectivePriority
        ? task.priority
        : `${task.priority}, as ${task.effectivePriority}`,
    ],
    ['tenant, pool, agent', `${task.tenant}, ${task.pool}, ${task.agent}`],
    ['session', task.session],
    ['swarm', task.swarmId === null ? null : `${task.swarmId}, node ${task.nodeId ?? '?'}`],
    ['replay of', task.replayOf],
    ['approval', task.approvalId],
    ['due', task.dueAt],
    ['deadline', task.deadlineAt],
    ['cancel requested', task.cancelRequested],
    ['accepted', `${task.createdAt} (${age(task.createdAt, nowMs)})`],
    ['ended', task.finishedAt],
    ['tokens', task.usage?.totalTokens],
    ['budget', task.budget === null ? null : amountWords(task.budget)],
    ['spent', task.spent.tokens === 0 ? null : amountWords(task.spent)],
    ['waits for budget', task.blockedOn],
    ['cost', task.usage === null || task.usage.costUsd === null ? null : money(task.usage.costUsd)],
    ['workflow', task.workflowId],
    ['correlation', task.correlationId],
    ['failure', task.failure?.message],
  ]);
  if (attempts.length > 0) {
    print.line();
    print.table(attemptColumns, attempts);
  }
  for (const attempt of attempts) printQuestion(task, attempt, print);
  print.line();
  print.line(print.paint('bold', 'Prompt'));
  print.foreign(task.prompt);
  if (task.output === null) return;
  print.line();
  print.line(print.paint('bold', 'Answer'));
  print.foreign(task.output);
}

function amountWords({ usd, tokens }: NonNullable<Task['budget']>): string {
  const parts = [usd === null ? null : money(usd), tokens === null ? null : `${tokens} tokens`];
  return parts.filter((part) => part !== null).join(', ');
}

/** What a person needs who is asked about an attempt: what was seen, and how to answer. */
function printQuestion(task: Task, attempt: Attempt, print: Print): void {
  if (attempt.state !== 'indeterminate') return;
  print.line();
  print.line(
    print.paint(
      'bold',
      `Attempt ${attempt.number}: its outcome is unknown (${attempt.indeterminateReason ?? 'no reason given'})`,
    ),
  );
  print.foreign(JSON.stringify(attempt.evidence, null, 2));
  const { decision } = attempt;
  if (decision === null) print.line(`Decide: dashctl task decide ${task.id} accept|retry|discard`);
  else print.line(`Decided: ${decision.decision} (${decision.actor}); it is being carried out`);
}
