import type { ClientTask, Evidence } from './evidence.ts';
import { overlap, type Execution } from './executions.ts';
import { RULES, type Violation } from './rules.ts';

/** Nothing runs twice, nothing runs that nobody asked for, nothing runs on, and no gateway has more than its lanes. */
export function checkRuns(evidence: Evidence): Violation[] {
  const byTask = Map.groupBy(evidence.executions, ({ taskId }) => taskId);
  const known = new Map(evidence.tasks.map((task) => [task.taskId, task]));
  return [
    ...[...byTask].flatMap(([taskId, runs]) => {
      const task = taskId === null ? undefined : known.get(taskId);
      if (task === undefined) {
        const names = runs.map(({ runId }) => runId).join(', ');
        return [{ rule: RULES.asked, what: `nobody asked for ${names}` }];
      }
      return [
        ...[...doubled(task.taskId, runs), ...resent(task.taskId, runs)],
        ...[...unwantedEnds(task, runs), ...afterTheEnd(task, runs)],
      ];
    }),
    ...evidence.unasked.map((taskId) => ({
      rule: RULES.asked,
      what: `${taskId} stands in the lists, and nobody submitted it`,
    })),
    ...evidence.executions.filter(({ end }) => end === null).map(stillRunning),
    ...overfilled(evidence),
  ];
}

/** At most one run of a task executes at a time, and at most one answers. */
function doubled(taskId: string, runs: readonly Execution[]): Violation[] {
  const rule = RULES.doubled;
  const pairs = runs.flatMap((left, index) =>
    runs
      .slice(index + 1)
      .filter((right) => overlap(left, right))
      .map((right) => ({ rule, what: `${told(left)} and ${told(right)} executed at once` })),
  );
  const answers = runs.filter(({ end }) => end === 'done');
  if (answers.length <= 1) return pairs;
  return [...pairs, { rule, what: `${taskId} has the answers ${answers.map(told).join(', ')}` }];
}

/**
 * A run that Dash sends may begin only when every earlier one of the task has ended without an answer. An interrupted
 * one has not ended: the gateway may resume it at any time. The gateway's own recovery is no second run.
 */
function resent(taskId: string, runs: readonly Execution[]): Violation[] {
  const roots = runs.filter(({ isRecovery }) => !isRecovery);
  return roots.slice(1).flatMap((root, index) => {
    const open = roots
      .slice(0, index + 1)
      .filter((earlier) => !failedBefore(earlier, runs, root.startedAtMs));
    return open.map((earlier) => ({
      rule: RULES.resent,
      what: `${taskId}: ${told(root)} began although ${told(earlier)} had not failed before`,
    }));
  });
}

function failedBefore(root: Execution, runs: readonly Execution[], atMs: number): boolean {
  const turns = runs.filter((run) => run.root === root.root);
  return turns.some(
    ({ end, endedAtMs }) =>
      (end === 'failed' || end === 'aborted' || end === 'timed-out') &&
      endedAtMs !== null &&
      endedAtMs <= atMs,
  );
}

function stillRunning(execution: Execution): Violation {
  return { rule: RULES.running, what: `${told(execution)} still does` };
}

/**
 * A task that should answer fails by no doing of its gateways, and is aborted by nobody but who cancelled or decided:
 * a lost host, a cut socket or a slow gateway is no failure of a run.
 */
function unwantedEnds(task: ClientTask, runs: readonly Execution[]): Violation[] {
  const { expectation, decisions } = task;
  const isMeantToEnd = expectation.mayBeCancelled || decisions.length > 0;
  return runs.flatMap((run): Violation[] => {
    const isFailure = run.end === 'failed' || run.end === 'timed-out';
    if (isFailure && expectation.answer !== null) {
      return [{ rule: RULES.lossIsFree, what: `${told(run)} ${run.end}, and should answer` }];
    }
    if (run.end !== 'aborted' || isMeantToEnd) return [];
    return [{ rule: RULES.aborted, what: `${told(run)} was` }];
  });
}

/** Nothing of a task begins, or goes on, after the client was told that it has ended. */
function afterTheEnd({ endKnownAtMs }: ClientTask, runs: readonly Execution[]): Violation[] {
  if (endKnownAtMs === null) return [];
  return runs.flatMap((run): Violation[] => {
    const { startedAtMs, endedAtMs } = run;
    const rule = RULES.afterEnd;
    if (startedAtMs > endKnownAtMs) {
      return [{ rule, what: `${told(run)} began ${startedAtMs - endKnownAtMs} ms after it` }];
    }
    if (endedAtMs === null || endedAtMs <= endKnownAtMs) return [];
    return [{ rule, what: `${told(run)} went on for ${endedAtMs - endKnownAtMs} ms after it` }];
  });
}

/** No gateway ever executes more than its lanes (R17). */
function overfilled({ gateways, executions }: Evidence): Violation[] {
  return gateways.flatMap(({ gatewayId, lanes }) => {
    const own = executions.filter((execution) => execution.gatewayId === gatewayId);
    const most = Math.max(0, ...own.map((at) => own.filter((run) => isRunning(run, at)).length));
    if (most <= lanes) return [];
    return [{ rule: RULES.lanes, what: `${gatewayId}: ${most}` }];
  });
}

function isRunning({ startedAtMs, endedAtMs }: Execution, at: Execution): boolean {
  return startedAtMs <= at.startedAtMs && (endedAtMs ?? Infinity) > at.startedAtMs;
}

function told({ runId, root, gatewayId }: Execution): string {
  return runId === root ? `${runId} (${gatewayId})` : `the recovery of ${root} (${gatewayId})`;
}
