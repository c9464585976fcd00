import type { Decision } from '../../src/domain/attempt.ts';
import { carryOnTask, type CarryOn } from '../../src/domain/maintenance.ts';
import { markIndeterminate } from '../../src/db/attempt-decision.ts';
import { releaseAttempt } from '../../src/db/attempt-run.ts';
import {
  blockedByConflict,
  repairConflict,
  setTaskWorkflowId,
  stalePlannedAttempts,
  tasksNeedingWorkflow,
  unappliedDecisions,
  undeliveredCancels,
  type StalePlannedAttempt,
  type UnappliedDecision,
  type UndeliveredCancel,
  type WorkflowTask,
} from '../../src/db/reconcile-queries.ts';
import type { Inspection, MaintenanceDeps, Sweep } from './sweep.ts';

/**
 * A workflow that has heard of an attempt gives it back by itself when nobody takes it up (30 s, P19), and its host
 * waits for a session that somebody else uses (10 min, then a person is asked, P22): until then it is at work.
 */
const AT_WORK_MS = 15 * 60_000;

/**
 * An attempt that is still planned was never sent: a send begins by leaving that state. Its owner should have
 * delivered or released it long ago (P17, P18), so there is none at work. It is released, and its task can be claimed
 * again. A start that arrives late finds that, and is superseded.
 */
export function attemptNotDelivered({ db, temporal }: MaintenanceDeps): Sweep<StalePlannedAttempt> {
  return {
    candidates: (page) => stalePlannedAttempts(db, page),
    idOf: (attempt) => attempt.attemptId,
    async inspect({ attemptId, taskId, workflowId, gatewayId, ...attempt }) {
      const { isDelivered, ownerHost, plannedForMs } = attempt;
      const fate = await temporal.fateOf(workflowId);
      if (isDelivered && fate === 'running' && plannedForMs < AT_WORK_MS) return null;
      const released = await releaseAttempt(db, {
        attemptId,
        reason: 'nobody began to send it; released by reconcile',
        from: 'planned',
      });
      if (released.kind !== 'released') return null;
      // The next claim must not meet a workflow that a person ended (P17).
      const next = carryOnTask({ taskId, workflowId }, fate);
      if (fate === 'cut-off' && next.kind === 'start') {
        await setTaskWorkflowId(db, { taskId, expected: workflowId, workflowId: next.workflowId });
      }
      return {
        detail: { taskId, gatewayId, ownerHost, plannedForMs, task: released.taskState },
        repaired: true,
      };
    },
  };
}

/**
 * A task that is under way needs a workflow that carries it: dispatched, in back-off, or waiting for a person. Its
 * attempt is handed to a workflow, whose first step is to look: nothing is sent from here.
 */
export function taskWithoutWorkflow(deps: MaintenanceDeps): Sweep<WorkflowTask> {
  return {
    candidates: (page) => tasksNeedingWorkflow(deps.db, page),
    idOf: (task) => task.taskId,
    async inspect(task) {
      // Not sent yet: the owner's to deliver, and a kind of its own.
      if (task.attemptState === 'planned') return null;
      const fate = await deps.temporal.fateOf(task.workflowId);
      const plan = carryOnTask(task, fate);
      if (plan.kind === 'nothing') return null;
      if (!(await carryOn(deps, task, plan))) return null;
      return {
        detail: {
          state: task.state,
          attemptId: task.attemptId,
          gatewayId: task.gatewayId,
          workflow: fate,
          carriedOnBy: plan.workflowId,
        },
        repaired: true,
      };
    },
  };
}

/** False: somebody else was quicker. */
async function carryOn(
  { db, temporal }: MaintenanceDeps,
  task: WorkflowTask,
  plan: Extract<CarryOn, { kind: 'start' }>,
): Promise<boolean> {
  const { taskId, attemptId, gatewayId, runLimitSeconds, tenant, swarmId } = task;
  if (plan.workflowId !== task.workflowId) {
    const written = await setTaskWorkflowId(db, {
      taskId,
      expected: task.workflowId,
      workflowId: plan.workflowId,
    });
    if (!written) return false;
  }
  if (plan.doubtful && (task.attemptState === 'sending' || task.attemptState === 'accepted')) {
    await markIndeterminate(db, {
      attemptId,
      reason: 'workflow-closed',
      evidence: { workflowId: task.workflowId },
      keepLane: true,
    });
  }
  await temporal.startTask({
    workflowId: plan.workflowId,
    tenant,
    swarmId,
    input: { taskId, attemptId, gatewayId, runLimitSeconds },
  });
  return true;
}

/** The row says cancel (P28); only the hint was lost. */
export function cancelUndelivered({ db, temporal }: MaintenanceDeps): Sweep<UndeliveredCancel> {
  return {
    candidates: (page) => undeliveredCancels(db, page),
    idOf: (cancel) => cancel.taskId,
    inspect: ({ workflowId, attemptId, gatewayId }) =>
      whileRunning({ temporal, workflowId, detail: { attemptId, gatewayId } }, () =>
        temporal.messages.signalTaskCancel(workflowId),
      ),
  };
}

/** The row has the decision (P29); only the signal was lost. */
export function decisionUnapplied({ db, temporal }: MaintenanceDeps): Sweep<UnappliedDecision> {
  return {
    candidates: (page) => unappliedDecisions(db, page),
    idOf: (decision) => decision.attemptId,
    inspect: ({ taskId, attemptId, workflowId, decision, actor }) =>
      whileRunning({ temporal, workflowId, detail: { taskId } }, () =>
        temporal.messages.signalTaskDecide(workflowId, {
          attemptId,
          // Written by `recordDecision` and by nobody else.
          decision: decision as Decision,
          actor,
        }),
      ),
  };
}

/** Without a running workflow a signal is no repair; that the workflow is missing is a finding of its own. */
async function whileRunning(
  found: {
    readonly temporal: MaintenanceDeps['temporal'];
    readonly workflowId: string;
    readonly detail: Readonly<Record<string, unknown>>;
  },
  signal: () => Promise<void>,
): Promise<Inspection> {
  const running = (await found.temporal.fateOf(found.workflowId)) === 'running';
  if (running) await signal();
  return { detail: { ...found.detail, workflowId: found.workflowId }, repaired: running };
}

/** A claim met an open attempt of the same task or session (P13); it is gone, so the task may be claimed again. */
export function taskInConflict({ db }: MaintenanceDeps): Sweep<{ readonly taskId: string }> {
  return {
    candidates: (page) => blockedByConflict(db, page),
    idOf: (task) => task.taskId,
    inspect: async ({ taskId }) => ({ detail: {}, repaired: await repairConflict(db, taskId) }),
  };
}
