import type { ReportedRun } from '../../src/domain/ledger.ts';
import type {
  MismatchKind,
  ReconcileAnswer,
  ReconcileRequest,
} from '../../src/domain/maintenance.ts';
import {
  bulkWithoutWorkflow,
  chainWithoutWorkflow,
  gatewayWithoutWorkflow,
  ownerGone,
  sessionStranded,
  sessionWithoutHead,
  swarmUnread,
  swarmWithoutWorkflow,
} from './entity-sweeps.ts';
import { compareWithRows, gatewaysToAsk } from './ledger-comparison.ts';
import { paged, type MaintenanceDeps, type PagedSweep } from './sweep.ts';
import { scheduleNotFollowed, scheduleWithoutRow } from './schedule-sweeps.ts';
import { submissionUnheard } from './submission-sweep.ts';
import {
  attemptNotDelivered,
  cancelUndelivered,
  decisionUnapplied,
  taskInConflict,
  taskWithoutWorkflow,
} from './task-sweeps.ts';
import { workflowWithoutRow } from './workflow-sweep.ts';

export interface MaintenanceActivities {
  /** Looks through one page for one kind of mismatch; repairs, lists and counts what it finds (P35). */
  reconcilePage(input: ReconcileRequest): Promise<ReconcileAnswer>;
  /** Gateways whose owner can be asked what executes there. */
  gatewaysToAsk(): Promise<readonly string[]>;
  compareWithRows(input: {
    readonly gatewayId: string;
    readonly reported: readonly ReportedRun[];
    readonly seenBefore: readonly string[];
  }): Promise<{ readonly found: number; readonly suspects: readonly string[] }>;
}

export function createMaintenanceActivities(deps: MaintenanceDeps): MaintenanceActivities {
  const sweeps: Readonly<Record<MismatchKind, PagedSweep>> = {
    'attempt-not-delivered': paged(deps, 'attempt-not-delivered', attemptNotDelivered(deps)),
    'task-without-workflow': paged(deps, 'task-without-workflow', taskWithoutWorkflow(deps)),
    'cancel-undelivered': paged(deps, 'cancel-undelivered', cancelUndelivered(deps)),
    'decision-unapplied': paged(deps, 'decision-unapplied', decisionUnapplied(deps)),
    'swarm-without-workflow': paged(deps, 'swarm-without-workflow', swarmWithoutWorkflow(deps)),
    'swarm-unread': paged(deps, 'swarm-unread', swarmUnread(deps)),
    'bulk-without-workflow': paged(deps, 'bulk-without-workflow', bulkWithoutWorkflow(deps)),
    'chain-without-workflow': paged(deps, 'chain-without-workflow', chainWithoutWorkflow(deps)),
    'gateway-without-workflow': paged(
      deps,
      'gateway-without-workflow',
      gatewayWithoutWorkflow(deps),
    ),
    'workflow-without-row': workflowWithoutRow(deps),
    'session-without-head': paged(deps, 'session-without-head', sessionWithoutHead(deps)),
    'task-in-conflict': paged(deps, 'task-in-conflict', taskInConflict(deps)),
    'submission-unheard': submissionUnheard(deps),
    'session-stranded': paged(deps, 'session-stranded', sessionStranded(deps)),
    'schedule-not-followed': paged(deps, 'schedule-not-followed', scheduleNotFollowed(deps)),
    'schedule-without-row': scheduleWithoutRow(deps),
    'owner-gone': paged(deps, 'owner-gone', ownerGone(deps)),
  };
  return {
    reconcilePage: ({ kind, after }) => sweeps[kind](after),
    gatewaysToAsk: () => gatewaysToAsk(deps),
    compareWithRows: (input) => compareWithRows(deps, input),
  };
}
