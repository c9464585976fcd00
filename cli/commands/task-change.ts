import { z } from 'zod';
import type { DecideTask, TaskSummary } from '../../src/contract/task-dto.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { defined, flag, spanSeconds } from '../fields.ts';
import { editsFrom, replayEditOptions, replayEdits } from '../replay-edits.ts';
import { readAll, readNamed } from '../swarm-file.ts';
import { followTask, outcomeLine, showOutcome, stateWords } from '../task-outcome.ts';

const taskArgument = { name: 'task', help: 'task id' };
const waitOptions = [
  { flags: '--wait', help: 'follow it to its end' },
  { flags: '--timeout <span>', help: 'with --wait: how long to wait (exit code 3 afterwards)' },
];
const waiting = { wait: flag, timeout: spanSeconds.optional() };

export const taskCancel = defineCommand({
  path: ['task', 'cancel'],
  summary: 'Cancel a task',
  details:
    'A waiting task ends at once. A running one is aborted at its gateway and ends when that is confirmed: with ' +
    '--wait, exit code 0 means it is cancelled, 1 that it had ended otherwise.',
  arguments: [taskArgument],
  options: waitOptions,
  examples: ['dashctl task cancel task-01j… --wait'],
  input: z.object({ task: z.string(), ...waiting }),
  run: async ({ task: taskId, wait, timeout }, context) => {
    const client = await context.client();
    const answer = await client.tasks.cancel({ params: { taskId }, signal: context.signal });
    if (wait && answer.result === 'requested') {
      const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
      const outcome = await followTask({ context, client, taskId, timeoutMs });
      context.output.result({ result: 'ended', task: outcome.task }, (print) =>
        print.line(outcomeLine(outcome)),
      );
      return outcome.task.state === 'cancelled' ? EXIT.ok : EXIT.failed;
    }
    const words = {
      cancelled: 'cancelled',
      'already-ended': `had ended before: ${stateWords(answer.task)}`,
      requested: 'cancel requested; it ends when its gateway has confirmed the abort',
    }[answer.result];
    context.output.result(answer, (print) => print.line(`${answer.task.id} ${words}`));
    return answer.result === 'already-ended' && answer.task.state !== 'cancelled'
      ? EXIT.failed
      : EXIT.ok;
  },
});

export const taskDecide = defineCommand({
  path: ['task', 'decide'],
  summary: 'Decide about a task whose outcome cannot be known',
  details:
    'Dash asks a person when an attempt may or may not have run to its end (`task get` shows the evidence). ' +
    '`accept` takes the answer that is there (or the one given with --output); `retry` and `discard` first abort what ' +
    'may still run.',
  arguments: [taskArgument, { name: 'decision', help: 'accept, retry or discard' }],
  options: [
    { flags: '--output <text>', help: 'with accept: the answer' },
    {
      flags: '--output-file <file>',
      help: 'with accept: a file with the answer (`-`: standard input)',
    },
    { flags: '--attempt <id>', help: 'decide only if this attempt is the one that waits' },
  ],
  examples: [
    'dashctl task decide task-01j… retry',
    'dashctl task decide task-01j… accept --output "done by hand"',
  ],
  input: z.object({
    task: z.string(),
    decision: z.enum(['accept', 'retry', 'discard'], 'must be accept, retry or discard'),
    output: z.string().optional(),
    outputFile: z.string().optional(),
    attempt: z.string().optional(),
  }),
  run: async (given, context) => {
    const { task: taskId } = given;
    const answer = await (
      await context.client()
    ).tasks.decide({
      params: { taskId },
      body: await decisionOf(given, context),
      signal: context.signal,
    });
    return said(answer, `${given.decision}: the decision is stored`, context);
  },
});

async function decisionOf(
  given: {
    readonly decision: 'accept' | 'retry' | 'discard';
    readonly output?: string | undefined;
    readonly outputFile?: string | undefined;
    readonly attempt?: string | undefined;
  },
  context: CliContext,
): Promise<DecideTask> {
  const { decision, output, outputFile, attempt } = given;
  const guard = attempt === undefined ? {} : { attemptId: attempt };
  const hasOutput = output !== undefined || outputFile !== undefined;
  if (decision !== 'accept') {
    if (hasOutput) throw usage(`An answer goes with accept, not with ${decision}.`);
    return { decision, ...guard };
  }
  if (output !== undefined && outputFile !== undefined)
    throw usage('Give the answer once: --output or --output-file.');
  if (!hasOutput) return { decision, ...guard };
  const text =
    output ??
    (outputFile === '-'
      ? await readAll(context.stdin)
      : await readNamed(outputFile ?? '', context.cwd));
  return { decision, output: text, ...guard };
}

function usage(message: string): CliError {
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message,
    hint: 'See: dashctl task decide --help',
  });
}

export const taskReplay = defineCommand({
  path: ['task', 'replay'],
  summary: 'Replay a dead letter as a new task',
  details:
    'Prints the id of the new task. Asked again, the same new task is answered; --again makes another one once that has ' +
    'ended. What the options name is changed, everything else is as it was.',
  arguments: [taskArgument],
  options: [
    { flags: '--again', help: 'another replay, after the earlier one has ended' },
    { flags: '--prompt <text>', help: 'another prompt than the task had' },
    ...replayEditOptions,
    ...waitOptions,
  ],
  examples: ['dashctl task list --state dead', 'dashctl task replay task-01j… --wait'],
  input: z.object({
    task: z.string(),
    again: flag,
    prompt: z.string().optional(),
    ...replayEdits,
    ...waiting,
  }),
  run: async ({ task: taskId, again, wait, timeout, ...edits }, context) => {
    const client = await context.client();
    const answer = await client.tasks.replay({
      params: { taskId },
      body: { again, edits: editsFrom(edits) },
      signal: context.signal,
    });
    if (answer.existing)
      context.output.note('It was replayed before: the same new task is answered.');
    if (!wait) {
      context.output.result(answer, (print) => print.line(answer.task.id));
      return EXIT.ok;
    }
    const timeoutMs = timeout === undefined ? undefined : timeout * 1000;
    return showOutcome(
      await followTask({ context, client, taskId: answer.task.id, timeoutMs }),
      context,
    );
  },
});

export const taskDiscard = defineCommand({
  path: ['task', 'discard'],
  summary: 'Discard a dead letter',
  arguments: [taskArgument],
  options: [{ flags: '--note <text>', help: 'why; kept with it' }],
  examples: ['dashctl task discard task-01j… --note "done by hand"'],
  input: z.object({ task: z.string(), note: z.string().optional() }),
  run: async ({ task: taskId, note }, context) => {
    const answer = await (
      await context.client()
    ).tasks.discard({ params: { taskId }, body: defined({ note }), signal: context.signal });
    return said(answer, 'discarded', context);
  },
});

function said(
  answer: { readonly task: TaskSummary },
  words: string,
  context: CliContext,
): ExitCode {
  context.output.result(answer, (print) => print.line(`${answer.task.id} ${words}`));
  return EXIT.ok;
}
