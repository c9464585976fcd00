import { priorityName } from '../src/domain/task.ts';
import type { Database } from '../src/db/database.ts';
import {
  attemptOutcomes,
  gatewayStates,
  lanesByGateway,
  queueDepth,
  taskStateCounts,
  wideBudgets,
} from '../src/db/metrics-queries.ts';
import { listChains, type ChainRecord } from '../src/db/chain-store.ts';
import { LINKS } from '../src/domain/dashboard-chain/link.ts';
import { openApprovalCounts } from '../src/db/approval-store.ts';
import { findingCounts } from '../src/db/finding-store.ts';
import type { RowMetrics } from '../src/telemetry/metrics.ts';

/** What the series made of rows show now (R16). */
export async function readRowMetrics(db: Database): Promise<RowMetrics> {
  const [tasks, queue, lanes, gateways, attempts, findings, approvals, budgets, chains] =
    await Promise.all([
      taskStateCounts(db),
      queueDepth(db),
      lanesByGateway(db),
      gatewayStates(db),
      attemptOutcomes(db),
      findingCounts(db),
      openApprovalCounts(db),
      wideBudgets(db),
      listChains(db),
    ]);
  return {
    tasks,
    queue: queue.map((row) => ({ ...row, priority: priorityName(row.priority) })),
    lanes,
    gateways,
    chainLinks: chains.flatMap(linksOf),
    attempts,
    approvals,
    findings,
    budgets,
  };
}

/** Nothing of a chain that nobody has looked at. */
function linksOf({ gatewayId, verdict }: ChainRecord): RowMetrics['chainLinks'] {
  if (verdict === null) return [];
  return LINKS.map((link) => ({ gatewayId, link, state: verdict[link].state }));
}
