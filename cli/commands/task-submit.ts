import { z } from 'zod';
import type { SubmitTask, TaskSummary } from '../../src/contract/task-dto.ts';
import { PRIORITIES, type PriorityName } from '../../src/domain/task.ts';
import { approvalInput, approvalOf, approvalOptions } from '../approval-options.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import {
  defined,
  flag,
  momentFrom,
  momentText,
  pairs,
  positiveCount,
  positiveUsd,
  spanSeconds,
  textList,
} from '../fields.ts';
import { submitSafely } from '../submit-safely.ts';
import { readAll, readNamed } from '../swarm-file.ts';
import { followTask, showOutcome } from '../task-outcome.ts';

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];

const input = z.object({
  prompt: z.string().optional(),
  file: z.string().optional(),
  session: z.string().optional(),
  priority: z.enum(priorityNames).optional(),
  pool: z.string().optional(),
  requireLabel: pairs,
  requireRegion: z.string().optional(),
  requireCapability: textList,
  agent: z.string().optional(),
  tenant: z.string().optional(),
  maxAttempts: positiveCount.optional(),
  runLimit: spanSeconds.optional(),
  queueLimit: spanSeconds.optional(),
  notBefore: momentText.optional(),
  deadline: momentText.optional(),
  budgetUsd: positiveUsd.optional(),
  budgetTokens: positiveCount.optional(),
  idempotent: flag,
  idempotencyKey: z.string().optional(),
  ...approvalInput,
  wait: flag,
  timeout: spanSeconds.optional(),
});
type Input = z.output<typeof input>;

export const taskSubmit = defineCommand({
  path: ['task', 'submit'],
  summary: 'Submit a task',
  details:
    'The prompt comes from --prompt, from --file, or from standard input. Prints the id of the task; with --wait ' +
    'follows it to its end and prints the answer (exit code 1 when it ended badly). Submitting is safe to repeat ' +
    'with the same --idempotency-key: the same task is answered.',
  options: [
    { flags: '--prompt <text>', help: 'what the agent is asked to do' },
    { flags: '--file <file>', help: 'read the prompt from a file (`-`: standard input)' },
    {
      flags: '--session <key>',
      help: 'conversation: its tasks run one at a time, in order, on one gateway',
    },
    { flags: '--priority <level>', help: 'how urgent it is (normal)', choices: priorityNames },
    { flags: '--pool <pool>', help: 'pool of gateways (default)' },
    {
      flags: '--require-label <name=value>',
      help: 'instead of a pool: a label that the gateway must have',
      repeatable: true,
    },
    {
      flags: '--require-region <region>',
      help: 'instead of a pool: the region that the gateway must be in',
    },
    {
      flags: '--require-capability <capability>',
      help: 'instead of a pool: a capability that the gateway must have',
      repeatable: true,
    },
    { flags: '--agent <agent>', help: 'agent of the gateway (main)' },
    { flags: '--tenant <tenant>', help: "tenant (the API key's own)" },
    { flags: '--max-attempts <n>', help: 'attempts before it becomes a dead letter (3)' },
    { flags: '--run-limit <span>', help: 'longest time that one attempt may run, like 30m (1h)' },
    {
      flags: '--queue-limit <span>',
      help: 'expires when it could not be started within this time',
    },
    {
      flags: '--not-before <moment>',
      help: 'not to be started earlier: 2026-11-22T15:00:00Z, or +15m',
    },
    { flags: '--deadline <moment>', help: 'expires at this moment, running or not' },
    { flags: '--budget-usd <amount>', help: 'what its attempts together may cost, like 0.50' },
    { flags: '--budget-tokens <n>', help: 'tokens that its attempts together may use' },
    {
      flags: '--idempotent',
      help: 'doing it twice does no harm: an unknown outcome may be retried elsewhere',
    },
    { flags: '--idempotency-key <key>', help: 'repeat safely: the same key answers the same task' },
    ...approvalOptions,
    { flags: '--wait', help: 'follow it to its end and print the answer' },
    {
      flags: '--timeout <span>',
      help: 'with --wait: how long to wait (exit code 3 afterwards; the task goes on)',
    },
  ],
  examples: [
    'dashctl task submit --prompt "Summarise the release notes" --wait',
    'dashctl task submit --file prompt.txt --session release-notes --priority high',
    'git diff | dashctl task submit --wait --timeout 10m',
    'dashctl task submit --file deploy.txt --approval --approver release-manager --approval-expires 2h',
  ],
  input,
  run: submit,
});

async function submit(given: Input, context: CliContext): Promise<ExitCode> {
  const client = await context.client();
  const body = bodyOf(given, await promptOf(given, context), context.clock.now());
  const { existing, task } = await submitSafely({
    context,
    idempotencyKey: given.idempotencyKey ?? context.randomId(),
    submit: (idempotencyKey) =>
      client.tasks.submit({ body, idempotencyKey, signal: context.signal }),
  });
  if (existing)
    context.output.note('This idempotency key was used before: the same task is answered.');
  if (!given.wait) return showAccepted(task, existing, context);
  context.output.note(`Submitted ${task.id}.`);
  const outcome = await followTask({
    context,
    client,
    taskId: task.id,
    timeoutMs: given.timeout === undefined ? undefined : given.timeout * 1000,
  });
  return showOutcome(outcome, context);
}

async function promptOf(given: Input, context: CliContext): Promise<string> {
  if (given.prompt !== undefined && given.file !== undefined) {
    throw usage('Give the prompt once: by --prompt or by --file.');
  }
  if (given.prompt !== undefined) return given.prompt;
  if (given.file !== undefined && given.file !== '-') return readNamed(given.file, context.cwd);
  if (given.file === undefined && context.stdin.isTTY === true) {
    throw usage('A prompt is missing: give it with --prompt or --file, or pipe it in.');
  }
  return readAll(context.stdin);
}

function usage(message: string): CliError {
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message,
    hint: 'See: dashctl task submit --help',
  });
}

function bodyOf(given: Input, prompt: string, nowMs: number): SubmitTask {
  const { session, priority, pool, agent, tenant, maxAttempts, notBefore, deadline } = given;
  return {
    prompt,
    ...(session === undefined ? {} : { session }),
    ...(priority === undefined ? {} : { priority }),
    ...(pool === undefined ? {} : { pool }),
    ...requirementsOf(given),
    ...(agent === undefined ? {} : { agent }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(given.runLimit === undefined ? {} : { runLimitSeconds: given.runLimit }),
    ...(given.queueLimit === undefined ? {} : { queueLimitSeconds: given.queueLimit }),
    ...(notBefore === undefined ? {} : { notBefore: momentFrom(notBefore, nowMs) }),
    ...(deadline === undefined ? {} : { deadline: momentFrom(deadline, nowMs) }),
    ...budgetOf(given),
    ...(given.idempotent ? { idempotent: true } : {}),
    ...approvalOf(given),
  };
}

function budgetOf({ budgetUsd, budgetTokens }: Input): Pick<SubmitTask, 'budget'> {
  if (budgetUsd === undefined && budgetTokens === undefined) return {};
  return { budget: defined({ usd: budgetUsd, tokens: budgetTokens }) };
}

function requirementsOf(given: Input): Pick<SubmitTask, 'requirements'> {
  const asked = defined({
    labels: given.requireLabel,
    region: given.requireRegion,
    capabilities: given.requireCapability,
  });
  return Object.keys(asked).length === 0 ? {} : { requirements: asked };
}

function showAccepted(task: TaskSummary, existing: boolean, context: CliContext): ExitCode {
  context.output.result({ existing, task }, (print) => print.line(task.id));
  if (context.output.isInteractive) {
    context.output.note(`${task.state}. Follow it: dashctl task watch ${task.id}`);
  }
  return EXIT.ok;
}
