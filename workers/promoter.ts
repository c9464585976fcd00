import type { Database } from '../src/db/database.ts';
import { unblockBudgets } from '../src/db/budget-store.ts';
import { nextDueAt, promoteDue, type Promoted } from '../src/db/due.ts';
import type { DecideSignal } from '../src/domain/messages.ts';
import type { Clock } from '../src/platform/clock.ts';

/** What the promoter writes to a log; a pino logger fits. */
export interface PromoterLog {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

export interface PromoterOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: PromoterLog;
  /** Hastens what the rows say: workflows whose task expired, swarms with news. */
  readonly signals: {
    signalTaskCancel(workflowId: string): Promise<void>;
    signalTaskDecide(workflowId: string, signal: DecideSignal): Promise<void>;
    signalSwarmNews(swarmId: string): Promise<void>;
  };
}

/**
 * A task that is accepted while the promoter sleeps may be due earlier than what it sleeps for: it never sleeps
 * longer than this, and so is at most this late (P8 allows 1 s).
 */
const LONGEST_SLEEP_MS = 500;
/** What is due by this machine's clock may not be by the database's yet: no hurry that would be a busy loop. */
const SHORTEST_SLEEP_MS = 50;

/**
 * Does at its time what P8 asks for: scheduled tasks become claimable, those past their queue-time limit or deadline
 * expire, queued ones age, those that waited for a budget go on where it has room again (P15). One in-memory timer to
 * the next due time; rows are the truth, so two promoters do no harm and a dead one
 * leaves nothing behind (R12). While PostgreSQL is away it tries again at the same pace.
 */
export function startPromoter(options: PromoterOptions): { close(): Promise<void> } {
  const stopping = new AbortController();
  const running = promoteUntilStopped(options, stopping.signal);
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

async function promoteUntilStopped(options: PromoterOptions, stopped: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!stopped.aborted) {
    let sleepMs = LONGEST_SLEEP_MS;
    try {
      sleepMs = await promoteOnce(options);
    } catch (error) {
      log.warn({ error: String(error) }, 'due tasks could not be promoted; trying again');
    }
    if (sleepMs > 0) await clock.sleep(sleepMs, stopped);
  }
}

/** Promotes what is due and answers how long nothing else will be. */
async function promoteOnce({ db, clock, log, signals }: PromoterOptions): Promise<number> {
  const done = await promoteDue(db);
  const { promoted, expired, approvals, aged } = done;
  if (promoted + expired + approvals + aged > 0) {
    log.info({ promoted, expired, approvals, aged }, 'promoted what was due');
  }
  await hasten(done, signals, log);
  const unblocked = await unblockBudgets(db);
  if (unblocked > 0) log.info({ unblocked }, 'let tasks go that waited for a budget');
  if (done.more) return 0;
  const dueAt = await nextDueAt(db);
  if (dueAt === null) return LONGEST_SLEEP_MS;
  return Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, Date.parse(dueAt) - clock.now()));
}

/** The rows are written: a signal that is lost is repeated by reconcile. */
async function hasten(
  done: Promoted,
  signals: PromoterOptions['signals'],
  log: PromoterLog,
): Promise<void> {
  const sent = await Promise.allSettled([
    ...done.workflowIds.map((id) => signals.signalTaskCancel(id)),
    ...done.decisions.map(({ workflowId, attemptId }) =>
      signals.signalTaskDecide(workflowId, {
        attemptId,
        decision: { kind: 'discard' },
        actor: 'expiry',
      }),
    ),
    ...done.dirtySwarmIds.map((id) => signals.signalSwarmNews(id)),
  ]);
  const lost = sent.filter(({ status }) => status === 'rejected').length;
  if (lost > 0) log.warn({ lost }, 'signals were not delivered; reconcile repeats them');
}
