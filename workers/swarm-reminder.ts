import type { Database } from '../src/db/database.ts';
import { staleDirtySwarms } from '../src/db/reconcile-queries.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { WorkflowMessages } from '../src/temporal/messages.ts';

export interface SwarmReminderOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: { warn(detail: object, message: string): void };
  readonly messages: Pick<WorkflowMessages, 'startSwarm' | 'signalSwarmNews'>;
}

/** A swarm reads its news at once; what is unread for so long was not told to it. */
const UNREAD_SECONDS = 3;
const LOOK_EVERY_MS = 2_000;
/** So many pauses between two reminders of one swarm at most: each is an event in its history. */
const LONGEST_REST = 16;
const PAGE = 100;

interface Reminded {
  readonly rest: number;
  readonly left: number;
}

/**
 * Repeats the start and the news of swarms that were lost on their way, because Temporal or whoever sent them died:
 * within seconds of Temporal's return, where reconcile would take its minute (P31). The rows say which; nothing is
 * remembered here but the growing pause between two reminders of the same swarm.
 */
export function startSwarmReminder(options: SwarmReminderOptions): { close(): Promise<void> } {
  const stopping = new AbortController();
  const running = remindUntilStopped(options, stopping.signal);
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function remindUntilStopped(
  options: SwarmReminderOptions,
  stopped: AbortSignal,
): Promise<void> {
  let reminded = new Map<string, Reminded>();
  while (!stopped.aborted) {
    try {
      reminded = await remindOnce(options, reminded);
    } catch (error) {
      options.log.warn({ err: error }, 'swarms could not be reminded of their news; trying again');
    }
    await options.clock.sleep(LOOK_EVERY_MS, stopped);
  }
}

async function remindOnce(
  { db, messages }: SwarmReminderOptions,
  before: ReadonlyMap<string, Reminded>,
): Promise<Map<string, Reminded>> {
  const unread = await staleDirtySwarms(db, { olderThanSeconds: UNREAD_SECONDS, limit: PAGE });
  const after = new Map<string, Reminded>();
  for (const { swarmId } of unread) {
    const last = before.get(swarmId);
    if (last !== undefined && last.left > 1) {
      after.set(swarmId, { ...last, left: last.left - 1 });
      continue;
    }
    // It may never have been started; a running one is told.
    await messages.startSwarm(swarmId);
    await messages.signalSwarmNews(swarmId);
    const rest = Math.min(LONGEST_REST, (last?.rest ?? 0) * 2 || 1);
    after.set(swarmId, { rest, left: rest });
  }
  return after;
}
