import { assertNever } from './assert-never.ts';
import { taskWorkflowId } from './names.ts';

/**
 * Reconcile (P35): what may disagree between rows, workflows and gateways, and what is done about it by rule. Never
 * a blind send: at most a workflow is started, whose first step is to look.
 */

export const MAINTENANCE_SCHEDULE_ID = 'dash-maintenance';
export const MAINTENANCE_WORKFLOW_ID = 'maintenance';

/** Every kind of mismatch, in the order in which they are looked for. */
export const MISMATCH_KINDS = [
  /** An attempt that nobody began to send: its task goes back into the queue. */
  'attempt-not-delivered',
  /** A task that is under way and that no running workflow carries: it is carried on. */
  'task-without-workflow',
  /** A cancel that stands in the row and has not arrived: it is signalled again. */
  'cancel-undelivered',
  /** A person's decision that nobody applied: it is signalled again. */
  'decision-unapplied',
  /** An open swarm that no running workflow carries: its workflow is started. */
  'swarm-without-workflow',
  /** A swarm whose news nobody has read: it is signalled. */
  'swarm-unread',
  /** A bulk operation that no running workflow carries: its workflow is started. */
  'bulk-without-workflow',
  /** A registered gateway without its workflow: it is started. */
  'gateway-without-workflow',
  'chain-without-workflow',
  /** A running workflow whose row has ended, or is not there. */
  'workflow-without-row',
  /** A session in which the first open task waits behind nobody: it becomes the head. */
  'session-without-head',
  /** A task that a claim set aside because it seemed to run already (P13), and does not. */
  'task-in-conflict',
  /** A submission that waits for work which has ended: it is told again. */
  'submission-unheard',
  /** A session whose gateway has failed for longer than the outcome policy allows: it moves. */
  'session-stranded',
  /** A schedule that Temporal does not follow as it stands: it is made to. */
  'schedule-not-followed',
  /** A Schedule of Temporal whose row is gone: it is removed. */
  'schedule-without-row',
  /** A gateway whose owner gives no sign: its workflow finds the next one, people see how long it takes. */
  'owner-gone',
] as const;
export type MismatchKind = (typeof MISMATCH_KINDS)[number];

/** What a gateway executes against what rows say it should: found in another way, listed like the others. */
export const LEDGER_MISMATCH = 'ledger-mismatch';

/** A claim found a task under way already (P13): written by the claim itself, repaired as `task-in-conflict`. */
const ATTEMPT_CONFLICT = 'attempt-conflict';

/** Every kind of finding. */
export const FINDING_KINDS = [...MISMATCH_KINDS, LEDGER_MISMATCH, ATTEMPT_CONFLICT] as const;

/** How a workflow stands, as far as the row that it carries cares. */
export type WorkflowFate =
  | 'running'
  /** Temporal does not know it: never started, or forgotten after its retention. */
  | 'absent'
  /** It ended without having concluded its work: a person terminated it, or it failed unexpectedly. */
  | 'cut-off'
  /** It came to the end that its own process leads to. */
  | 'concluded';

export type CarryOn =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'start';
      readonly workflowId: string;
      /** The work may be done already: nobody but a person can say, so nothing is sent (P17). */
      readonly doubtful: boolean;
    };

/**
 * How a task is carried on whose row is open (P17, P35): under the id in its row while that was never used, else
 * under the next one, which is written into the row before it is started.
 */
export function carryOnTask(
  task: { readonly taskId: string; readonly workflowId: string },
  fate: WorkflowFate,
): CarryOn {
  switch (fate) {
    case 'running':
      return { kind: 'nothing' };
    case 'absent':
      return { kind: 'start', workflowId: task.workflowId, doubtful: false };
    case 'cut-off':
    case 'concluded':
      return {
        kind: 'start',
        workflowId: nextTaskWorkflowId(task.taskId, task.workflowId),
        doubtful: fate === 'concluded',
      };
    default:
      return assertNever(fate);
  }
}

const GENERATION = /\/r(\d+)$/;

/** `task/<id>` → `task/<id>/r1` → `task/<id>/r2`. */
function nextTaskWorkflowId(taskId: string, workflowId: string): string {
  const generation = GENERATION.exec(workflowId)?.[1];
  return taskWorkflowId(taskId, generation === undefined ? 1 : Number(generation) + 1);
}

/** What a workflow id of Dash names; null: not one of its rows. */
export type CarriedRow = {
  readonly kind: 'task' | 'swarm' | 'gateway';
  readonly id: string;
} | null;

export function rowOfWorkflow(workflowId: string): CarriedRow {
  const [kind, id] = workflowId.split('/');
  if (id === undefined || id === '') return null;
  return kind === 'task' || kind === 'swarm' || kind === 'gateway' ? { kind, id } : null;
}

/** One page of looking for one kind of mismatch. */
export interface ReconcileRequest {
  readonly kind: MismatchKind;
  /** Where the page before ended; null: from the beginning. */
  readonly after: string | null;
}

export interface ReconcileAnswer {
  readonly found: number;
  readonly repaired: number;
  /** Where the next page begins; null: this was the last. */
  readonly next: string | null;
}

/** What one round of maintenance found, by kind; kinds without a finding are left out. */
export interface MaintenanceSummary {
  readonly found: Readonly<Record<string, number>>;
  readonly repaired: number;
  /** Differences between ledgers and rows that count when the next round still sees them. */
  readonly suspects: readonly string[];
}
