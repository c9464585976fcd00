import { z } from 'zod';
import type { CreateSchedule } from '../src/contract/schedules.ts';
import { OVERLAP_POLICIES } from '../src/domain/schedule.ts';
import { PRIORITIES, type PriorityName } from '../src/domain/task.ts';
import { CliError } from './cli-error.ts';
import type { OptionSpec } from './command.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { flag, positiveCount, spanSeconds } from './fields.ts';
import { readAll, readNamed, readSwarmFile } from './swarm-file.ts';

/** The options by which a schedule is described, in `schedule create` and `schedule update` alike. */

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];

export const definitionOptions: readonly OptionSpec[] = [
  {
    flags: '--cron <cron>',
    help: 'minute hour day-of-month month day-of-week, like "30 6 * * MON-FRI", or @daily',
  },
  { flags: '--time-zone <zone>', help: 'IANA time zone of --cron (UTC)' },
  { flags: '--every <span>', help: 'instead of --cron: an interval like 15m, counted from 1970' },
  {
    flags: '--overlap <policy>',
    help: 'while earlier work has not ended (skip)',
    choices: OVERLAP_POLICIES,
  },
  { flags: '--catchup <span>', help: 'missed firings are made up for when no older (60s)' },
  { flags: '--note <text>', help: 'for people' },
  { flags: '--prompt <text>', help: 'the task: what the agent is asked to do' },
  { flags: '--file <file>', help: 'read the prompt from a file (`-`: standard input)' },
  { flags: '--swarm <file>', help: 'instead of a task: a swarm, as for `swarm run`' },
  { flags: '--pool <pool>', help: 'of the task: pool of gateways (default)' },
  { flags: '--agent <agent>', help: 'of the task: agent of the gateway (main)' },
  { flags: '--session <key>', help: 'of the task: conversation' },
  { flags: '--priority <level>', help: 'of the task (normal)', choices: priorityNames },
  { flags: '--max-attempts <n>', help: 'of the task: attempts before it is a dead letter (3)' },
  { flags: '--run-limit <span>', help: 'of the task: longest time of one attempt (1h)' },
  { flags: '--queue-limit <span>', help: 'of the task: expires when not started within this' },
  { flags: '--idempotent', help: 'of the task: doing it twice does no harm' },
];

export const definitionInput = {
  cron: z.string().optional(),
  timeZone: z.string().optional(),
  every: spanSeconds.optional(),
  overlap: z.enum(OVERLAP_POLICIES).optional(),
  catchup: spanSeconds.optional(),
  note: z.string().optional(),
  prompt: z.string().optional(),
  file: z.string().optional(),
  swarm: z.string().optional(),
  pool: z.string().optional(),
  agent: z.string().optional(),
  session: z.string().optional(),
  priority: z.enum(priorityNames).optional(),
  maxAttempts: positiveCount.optional(),
  runLimit: spanSeconds.optional(),
  queueLimit: spanSeconds.optional(),
  idempotent: flag,
};
const definition = z.object(definitionInput);
type Definition = z.output<typeof definition>;

/** The part of a request that the options name; what is wrong beyond their form, the API says. */
export async function definitionFrom(
  given: Definition,
  context: CliContext,
): Promise<Omit<Partial<CreateSchedule>, 'name' | 'tenant' | 'paused'>> {
  const { cron, timeZone, every, overlap, catchup, note } = given;
  return {
    ...(await workFrom(given, context)),
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(every === undefined ? {} : { everySeconds: every }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(catchup === undefined ? {} : { catchupSeconds: catchup }),
    ...(note === undefined ? {} : { note }),
  };
}

async function workFrom(
  given: Definition,
  context: CliContext,
): Promise<Pick<CreateSchedule, 'task' | 'swarm'>> {
  const { prompt, file, swarm } = given;
  if ([prompt, file, swarm].filter((one) => one !== undefined).length > 1) {
    throw usage('Give the work once: by --prompt, --file or --swarm.');
  }
  if (swarm !== undefined) {
    const { cwd, stdin } = context;
    return { swarm: (await readSwarmFile({ file: swarm, cwd, stdin })).spec };
  }
  if (prompt !== undefined) return { task: { prompt, ...settings(given) } };
  if (file !== undefined) {
    const text = file === '-' ? await readAll(context.stdin) : await readNamed(file, context.cwd);
    return { task: { prompt: text, ...settings(given) } };
  }
  if (Object.keys(settings(given)).length === 0) return {};
  throw usage('Options of the task need its prompt too: --prompt or --file.');
}

function settings(given: Definition): Omit<NonNullable<CreateSchedule['task']>, 'prompt'> {
  const { pool, agent, session, priority, maxAttempts, runLimit, queueLimit } = given;
  return {
    ...(pool === undefined ? {} : { pool }),
    ...(agent === undefined ? {} : { agent }),
    ...(session === undefined ? {} : { session }),
    ...(priority === undefined ? {} : { priority }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(runLimit === undefined ? {} : { runLimitSeconds: runLimit }),
    ...(queueLimit === undefined ? {} : { queueLimitSeconds: queueLimit }),
    ...(given.idempotent ? { idempotent: true } : {}),
  };
}

function usage(message: string): CliError {
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message,
    hint: 'See: dashctl schedule create --help',
  });
}
