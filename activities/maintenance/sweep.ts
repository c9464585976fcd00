import type { WorkflowFate, ReconcileAnswer } from '../../src/domain/maintenance.ts';
import type { TaskWorkflowInput } from '../../src/domain/messages.ts';
import type { Database } from '../../src/db/database.ts';
import { recordFinding } from '../../src/db/finding-store.ts';
import { type ReconcilePage } from '../../src/db/reconcile-queries.ts';
import type { WorkflowRun } from '../../src/db/submission-store.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';

/** What reconcile needs of Temporal. */
export interface MaintenanceTemporal {
  readonly messages: Pick<
    WorkflowMessages,
    | 'startSwarm'
    | 'startBulk'
    | 'ensureGateway'
    | 'signalTaskCancel'
    | 'signalTaskDecide'
    | 'ensureChain'
    | 'signalSwarmNews'
    | 'signalSubmissionEnded'
    | 'schedules'
  >;
  fateOf(workflowId: string): Promise<WorkflowFate>;
  /** Starts the workflow of a task; one that exists already is left alone. */
  startTask(options: {
    readonly workflowId: string;
    readonly tenant: string;
    readonly swarmId: string | null;
    readonly input: Omit<TaskWorkflowInput, 'runHeartbeatTimeoutMs'>;
  }): Promise<void>;
  /** Ids of running workflows that carry rows and are older than `olderThanSeconds`. */
  runningWorkflows(olderThanSeconds: number): AsyncIterable<string>;
  /** Running submissions that are older than `olderThanSeconds`. */
  runningSubmissions(olderThanSeconds: number): AsyncIterable<WorkflowRun>;
}

export interface MaintenanceDeps {
  readonly db: Database;
  readonly temporal: MaintenanceTemporal;
  readonly clock: Clock;
  /** Younger mismatches are the ordinary course of things. Default 60. */
  readonly olderThanSeconds?: number;
  /** Rows per page. Default 200. */
  readonly pageSize?: number;
}

/** What came of looking at one row: null, nothing is wrong with it (any more). */
export type Inspection = {
  readonly detail: Readonly<Record<string, unknown>>;
  readonly repaired: boolean;
} | null;

/** How one kind of mismatch is looked for, row by row, and repaired. */
export interface Sweep<Row> {
  candidates(page: ReconcilePage): Promise<readonly Row[]>;
  /** The id by which pages are ordered; it names the finding. */
  idOf(row: Row): string;
  inspect(row: Row): Promise<Inspection>;
}

/** One page of a sweep; every finding is listed and counted in its row. */
export type PagedSweep = (after: string | null) => Promise<ReconcileAnswer>;

const OLDER_THAN_SECONDS = 60;
const PAGE_SIZE = 200;

export function paged<Row>(deps: MaintenanceDeps, kind: string, sweep: Sweep<Row>): PagedSweep {
  const limit = deps.pageSize ?? PAGE_SIZE;
  return async (after) => {
    const rows = await sweep.candidates({
      olderThanSeconds: ageOf(deps),
      limit,
      ...(after === null ? {} : { after }),
    });
    let found = 0;
    let repaired = 0;
    for (const row of rows) {
      const inspection = await sweep.inspect(row);
      if (inspection === null) continue;
      found += 1;
      if (inspection.repaired) repaired += 1;
      await recordFinding(deps.db, { kind, subject: sweep.idOf(row), ...inspection });
    }
    const last = rows.at(-1);
    const full = rows.length >= limit && last !== undefined;
    return { found, repaired, next: full ? sweep.idOf(last) : null };
  };
}

export function ageOf(deps: MaintenanceDeps): number {
  return deps.olderThanSeconds ?? OLDER_THAN_SECONDS;
}

/** Rows of the visibility store that are looked at in one question to PostgreSQL. */
const BATCH = 200;

export async function* batches<Item>(items: AsyncIterable<Item>): AsyncGenerator<readonly Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
