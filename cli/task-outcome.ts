/** How a task ended, for people: who answered, what it took, and why not when it did not. */
import type { DashClient } from '../src/contract/client.ts';
import type { Attempt, Task } from '../src/contract/task-dto.ts';
import { isTerminal } from '../src/domain/task.ts';
import type { CliContext } from './context.ts';
import { follow } from './follow.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, duration, money } from './output/format.ts';

export interface TaskOutcome {
  readonly task: Task;
  readonly attempts: readonly Attempt[];
}

/** Follows a task to its terminal state, telling each change of state on the way. */
export async function followTask(options: {
  context: CliContext;
  client: DashClient;
  taskId: string;
  timeoutMs: number | undefined;
}): Promise<TaskOutcome> {
  const { context, client, taskId } = options;
  let said = '';
  const task = await follow({
    context,
    client,
    what: `task ${taskId}`,
    filter: { task: taskId },
    timeoutMs: options.timeoutMs,
    read: () => client.tasks.get({ params: { taskId }, signal: context.signal }),
    isEnd: ({ state }) => isTerminal(state),
    onState: (state) => {
      const words = stateWords(state);
      if (words !== said && !isTerminal(state.state)) context.output.note(words);
      said = words;
    },
  });
  return { task, attempts: await attemptsOf(client, taskId) };
}

/** The attempts of a task, in their order. */
export async function attemptsOf(client: DashClient, taskId: string): Promise<readonly Attempt[]> {
  return (await client.tasks.attempts({ params: { taskId } })).items;
}

/** The answer on stdout, what it took on stderr; exit code 1 when there is no answer. */
export function showOutcome({ task, attempts }: TaskOutcome, context: CliContext): ExitCode {
  const { output } = context;
  if (!output.json) output.note(outcomeLine({ task, attempts }));
  output.result({ task, attempts }, (print) => {
    if (task.output !== null) print.foreign(task.output);
  });
  return task.state === 'completed' ? EXIT.ok : EXIT.failed;
}

/** One line: `completed on local-1, attempt 1, 42 tokens, $0.0003, 3.1 s`. */
export function outcomeLine({ task, attempts }: TaskOutcome): string {
  const last = attempts.at(-1);
  const parts = [
    last === undefined
      ? stateWords(task)
      : `${stateWords(task)} on ${last.gatewayId}, attempt ${last.number}`,
    task.usage === null ? undefined : count(task.usage.totalTokens, 'token'),
    task.usage === null || task.usage.costUsd === null ? undefined : money(task.usage.costUsd),
    task.finishedAt === null
      ? undefined
      : duration(Date.parse(task.finishedAt) - Date.parse(task.createdAt)),
  ].filter((part) => part !== undefined);
  const failure = task.failure === null ? '' : `: ${task.failure.message}`;
  return `${parts.join(', ')}${failure}`;
}

/** `backoff`, `blocked (conflict)`, `deciding: a person is asked`. */
export function stateWords(task: Pick<Task, 'state' | 'stateReason'>): string {
  if (task.state === 'deciding') return 'deciding: its outcome is unknown, a person is asked';
  return task.stateReason === null ? task.state : `${task.state} (${task.stateReason})`;
}
