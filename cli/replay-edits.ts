/** What a replay may do otherwise than the task that died, on a command line. */
import { z } from 'zod';
import { PRIORITIES, type PriorityName } from '../src/domain/task.ts';
import type { ReplayEdits } from '../src/contract/task-dto.ts';
import type { OptionSpec } from './command.ts';
import { defined, positiveCount, spanSeconds } from './fields.ts';

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];

export const replayEditOptions: readonly OptionSpec[] = [
  { flags: '--to-pool <pool>', help: 'in another pool' },
  { flags: '--agent <agent>', help: 'by another agent' },
  { flags: '--priority <level>', help: 'with another priority', choices: priorityNames },
  { flags: '--max-attempts <n>', help: 'with another number of attempts' },
  { flags: '--run-limit <span>', help: 'with another limit of one attempt' },
];

export const replayEdits = {
  toPool: z.string().optional(),
  agent: z.string().optional(),
  priority: z.enum(priorityNames).optional(),
  maxAttempts: positiveCount.optional(),
  runLimit: spanSeconds.optional(),
};

/** The edits as the API names them. */
export function editsFrom({
  toPool,
  runLimit,
  ...rest
}: {
  readonly toPool?: string | undefined;
  readonly agent?: string | undefined;
  readonly priority?: PriorityName | undefined;
  readonly maxAttempts?: number | undefined;
  readonly runLimit?: number | undefined;
  readonly prompt?: string | undefined;
}): ReplayEdits {
  return defined({ ...rest, pool: toPool, runLimitSeconds: runLimit });
}
