import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { MaintenanceActivities } from '../activities/maintenance/maintenance.ts';
import type { GatewayReportActivities } from '../src/domain/ledger.ts';
import {
  LEDGER_MISMATCH,
  MISMATCH_KINDS,
  type MaintenanceSummary,
  type MismatchKind,
  type ReconcileAnswer,
} from '../src/domain/maintenance.ts';
import { gatewayControlQueue } from '../src/domain/names.ts';

/** Of one kind; what is left over is the next minute's. */
const MOST_PAGES = 25;
/** An owner that does not take the question up within this is not there now. */
const ANSWER_WITHIN = '5s';

const control = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '2m',
  retry: { initialInterval: '500ms', maximumInterval: '5s', maximumAttempts: 3 },
});

/**
 * One round of reconcile (P35), started each minute by a Schedule that never lets two overlap: compares rows,
 * workflows and gateways, kind by kind, and repairs by rule. A kind that cannot be looked at now does not keep the
 * others waiting; the round then ends as *Failed*, type `ReconcileIncomplete`, which names it.
 */
export async function maintenanceWorkflow(): Promise<MaintenanceSummary> {
  const found: Record<string, number> = {};
  const failed: string[] = [];
  let repaired = 0;
  for (const kind of MISMATCH_KINDS) {
    setCurrentDetails(`Looks for **${kind}**.`);
    const outcome = await reconcile(kind);
    if (outcome === 'failed') failed.push(kind);
    else if (outcome.found > 0) {
      found[kind] = outcome.found;
      repaired += outcome.repaired;
    }
  }
  const ledgers = await compareLedgers();
  if (ledgers === 'failed') failed.push(LEDGER_MISMATCH);
  else if (ledgers.found > 0) found[LEDGER_MISMATCH] = ledgers.found;
  setCurrentDetails(inWords(found, repaired));
  if (failed.length > 0 || ledgers === 'failed') throw incomplete(failed);
  return { found, repaired, suspects: ledgers.suspects };
}

async function reconcile(
  kind: MismatchKind,
): Promise<{ readonly found: number; readonly repaired: number } | 'failed'> {
  let found = 0;
  let repaired = 0;
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer: ReconcileAnswer | 'failed' = await unlessFailed(
      control.reconcilePage({ kind, after }),
    );
    if (answer === 'failed') return 'failed';
    found += answer.found;
    repaired += answer.repaired;
    after = answer.next;
    if (after === null) break;
  }
  return { found, repaired };
}

/**
 * Asks each owner what its gateway executes. A difference may be the moment between two reads, so it becomes a
 * finding only when the round before saw it too.
 */
async function compareLedgers(): Promise<
  { readonly found: number; readonly suspects: readonly string[] } | 'failed'
> {
  setCurrentDetails('Asks the owners of gateways what executes there.');
  const seenBefore = (workflowInfo().lastResult as MaintenanceSummary | undefined)?.suspects ?? [];
  const gatewayIds = await unlessFailed(control.gatewaysToAsk());
  if (gatewayIds === 'failed') return 'failed';
  const answers = await Promise.all(
    gatewayIds.map(async (gatewayId) => {
      const reported = await unlessFailed(ownerOf(gatewayId).reportExecuting({ gatewayId }));
      // No owner: a finding of its own.
      if (reported === 'failed') return { found: 0, suspects: [] };
      const mine = seenBefore.filter((key) => key.startsWith(`${gatewayId} `));
      return unlessFailed(control.compareWithRows({ gatewayId, reported, seenBefore: mine }));
    }),
  );
  let found = 0;
  const suspects: string[] = [];
  for (const answer of answers) {
    if (answer === 'failed') return 'failed';
    found += answer.found;
    suspects.push(...answer.suspects);
  }
  return { found, suspects };
}

function ownerOf(gatewayId: string): GatewayReportActivities {
  return proxyActivities<GatewayReportActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: ANSWER_WITHIN,
    startToCloseTimeout: ANSWER_WITHIN,
    retry: { maximumAttempts: 1 },
  });
}

async function unlessFailed<T>(activity: Promise<T>): Promise<T | 'failed'> {
  try {
    return await activity;
  } catch (error) {
    if (error instanceof ActivityFailure && !isCancellation(error)) return 'failed';
    throw error;
  }
}

function inWords(found: Readonly<Record<string, number>>, repaired: number): string {
  const kinds = Object.entries(found).map(([kind, count]) => `${count} × ${kind}`);
  return kinds.length === 0
    ? 'Everything agrees.'
    : `Found ${kinds.join(', ')}; repaired ${repaired}.`;
}

function incomplete(kinds: readonly string[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `Reconcile could not look for: ${kinds.join(', ')}. The other kinds were looked at; ` +
      'the next round tries all of them again.',
    'ReconcileIncomplete',
  );
}
