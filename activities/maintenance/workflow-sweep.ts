import { getGateway } from '../../src/db/gateway-store.ts';
import { recordFinding } from '../../src/db/finding-store.ts';
import { openAmong } from '../../src/db/reconcile-queries.ts';
import { getSwarm } from '../../src/db/swarm-store.ts';
import { getTask } from '../../src/db/task-store.ts';
import { rowOfWorkflow } from '../../src/domain/maintenance.ts';
import { ageOf, batches, type Inspection, type MaintenanceDeps, type PagedSweep } from './sweep.ts';

/**
 * A workflow whose row has ended has nothing left to do: it is told to read its row, and ends by itself. One whose
 * row is not there at all speaks of a database that was restored; a person decides about it (P36).
 */
export function workflowWithoutRow(deps: MaintenanceDeps): PagedSweep {
  return async () => {
    let found = 0;
    let repaired = 0;
    for await (const workflowIds of batches(deps.temporal.runningWorkflows(ageOf(deps)))) {
      for (const workflowId of await suspicious(deps, workflowIds)) {
        const inspection = await inspect(deps, workflowId);
        if (inspection === null) continue;
        found += 1;
        if (inspection.repaired) repaired += 1;
        await recordFinding(deps.db, {
          kind: 'workflow-without-row',
          subject: workflowId,
          ...inspection,
        });
      }
    }
    return { found, repaired, next: null };
  };
}

/** Leaves out, in one question, the tasks that are open: nearly all of them. */
async function suspicious(
  { db }: MaintenanceDeps,
  workflowIds: readonly string[],
): Promise<readonly string[]> {
  const taskIds = workflowIds.flatMap((workflowId) => {
    const row = rowOfWorkflow(workflowId);
    return row?.kind === 'task' ? [row.id] : [];
  });
  const open = await openAmong(db, taskIds);
  return workflowIds.filter((workflowId) => {
    const row = rowOfWorkflow(workflowId);
    return row !== null && !(row.kind === 'task' && open.has(row.id));
  });
}

async function inspect(deps: MaintenanceDeps, workflowId: string): Promise<Inspection> {
  const row = rowOfWorkflow(workflowId);
  switch (row?.kind) {
    case 'task': {
      const task = await getTask(deps.db, row.id);
      if (task === null) return missing('task', row.id);
      return ended(deps, task, () => deps.temporal.messages.signalTaskCancel(workflowId));
    }
    case 'swarm': {
      const news = await getSwarm(deps.db, row.id);
      if (news === null) return missing('swarm', row.id);
      return ended(deps, news.swarm, () => deps.temporal.messages.signalSwarmNews(row.id));
    }
    case 'gateway':
      return (await getGateway(deps.db, row.id)) === null ? missing('gateway', row.id) : null;
    case undefined:
      return null;
  }
}

function missing(kind: string, id: string): Inspection {
  return { detail: { missing: kind, id }, repaired: false };
}

/** Open, or ended a moment ago: its workflow is on its way to the end. */
async function ended(
  deps: MaintenanceDeps,
  row: { readonly state: string; readonly finishedAt: string | null },
  tell: () => Promise<void>,
): Promise<Inspection> {
  if (row.finishedAt === null) return null;
  const endedBefore = deps.clock.now() - Date.parse(row.finishedAt);
  if (endedBefore < ageOf(deps) * 1_000) return null;
  await tell();
  return { detail: { state: row.state, finishedAt: row.finishedAt }, repaired: true };
}
