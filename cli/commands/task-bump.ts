import { z } from 'zod';
import { PRIORITIES, type PriorityName } from '../../src/domain/task.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];

export const taskBump = defineCommand({
  path: ['task', 'bump'],
  summary: 'Raise the priority of a waiting task',
  details:
    'Never lowers. Within a session the task at its head inherits it: the order inside the session stays.',
  arguments: [{ name: 'task', help: 'task id' }],
  options: [
    { flags: '--priority <level>', help: 'how urgent (critical)', choices: priorityNames },
    { flags: '--reason <text>', help: 'why, for the audit trail' },
  ],
  examples: ['dashctl task bump task-01j… --reason "the customer waits"'],
  input: z.object({
    task: z.string(),
    priority: z.enum(priorityNames).default('critical'),
    reason: z.string().default(''),
  }),
  run: async ({ task: taskId, ...body }, context) => {
    const client = await context.client();
    const answer = await client.tasks.bump({ params: { taskId }, body, signal: context.signal });
    const words = answer.result === 'raised' ? 'raised' : 'was as urgent before';
    context.output.result(answer, (print) =>
      print.line(`${taskId} ${words}: ${answer.task.effectivePriority}, ${answer.task.state}`),
    );
    return EXIT.ok;
  },
});
