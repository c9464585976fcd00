import type { Evidence, Violation } from './evidence.ts';
import { overlap, type Execution } from './executions.ts';

/** Nothing runs twice, nothing runs that nobody asked for, nothing runs on, and no gateway has more than its lanes. */
export function checkRuns(evidence: Evidence): Violation[] {
  const byTask = Map.groupBy(evidence.executions, ({ taskId }) => taskId);
  const known = new Set(evidence.tasks.map(({ taskId }) => taskId));
  return [
    ...[...byTask].flatMap(([taskId, runs]) => {
      if (taskId === null || !known.has(taskId)) {
        const names = runs.map(({ runId }) => runId).join(', ');
        return [{ rule: 'only accepted work runs (R9)', what: `nobody asked for ${names}` }];
      }
      return [...doubled(taskId, runs), ...resent(taskId, runs)];
    }),
    ...evidence.executions.filter(({ end }) => end === null).map(stillRunning),
    ...afterTheEnd(evidence),
    ...overfilled(evidence),
  ];
}

/** At most one run of a task executes at a time, and at most one answers. */
function doubled(taskId: string, runs: readonly Execution[]): Violation[] {
  const rule = 'one executing run per attempt, one answer per task (R10)';
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
      rule: 'no run is sent while an earlier one may go on (R10)',
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
  return { rule: 'nothing executes at the end (R13)', what: `${told(execution)} still does` };
}

/** Nothing of a task begins after the client was told that it has ended. */
function afterTheEnd({ tasks, executions }: Evidence): Violation[] {
  const ends = new Map(tasks.map(({ taskId, endKnownAtMs }) => [taskId, endKnownAtMs]));
  return executions
    .filter(({ taskId, startedAtMs }) => {
      const endedAtMs = taskId === null ? null : (ends.get(taskId) ?? null);
      return endedAtMs !== null && startedAtMs > endedAtMs;
    })
    .map((execution) => ({
      rule: 'nothing runs after the end of its task (R13)',
      what: `${told(execution)} began ${execution.startedAtMs - (ends.get(execution.taskId ?? '') ?? 0)} ms after it`,
    }));
}

/** No gateway ever executes more than its lanes (R17). */
function overfilled({ gateways, executions }: Evidence): Violation[] {
  return gateways.flatMap(({ gatewayId, lanes }) => {
    const own = executions.filter((execution) => execution.gatewayId === gatewayId);
    const most = Math.max(0, ...own.map((at) => own.filter((run) => isRunning(run, at)).length));
    if (most <= lanes) return [];
    return [{ rule: 'no gateway has more than its lanes (R17)', what: `${gatewayId}: ${most}` }];
  });
}

function isRunning({ startedAtMs, endedAtMs }: Execution, at: Execution): boolean {
  return startedAtMs <= at.startedAtMs && (endedAtMs ?? Infinity) > at.startedAtMs;
}

function told({ runId, root, gatewayId }: Execution): string {
  return runId === root ? `${runId} (${gatewayId})` : `the recovery of ${root} (${gatewayId})`;
}
