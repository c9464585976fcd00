import type { Evidence } from './evidence.ts';
import { overlap, type Execution } from './executions.ts';
import { RULES, type Violation } from './rules.ts';

/** A session has one writer, in submit order, in one place, and is never spoken to while it works (R1, R2, R3). */
export function checkSessions(evidence: Evidence): Violation[] {
  const bySession = Map.groupBy(evidence.executions, ({ sessionKey }) => sessionKey);
  const requests = Map.groupBy(evidence.requests, ({ sessionKey }) => sessionKey);
  return [
    ...[...bySession].flatMap(([key, runs]) => [...overlaps(key, runs), ...moves(key, runs)]),
    ...[...bySession].flatMap(([key, runs]) => interruptions(key, runs, requests.get(key) ?? [])),
    ...disorder(evidence),
  ];
}

function overlaps(key: string, runs: readonly Execution[]): Violation[] {
  return runs.flatMap((left, index) =>
    runs
      .slice(index + 1)
      .filter((right) => overlap(left, right))
      .map((right) => ({
        rule: RULES.overlap,
        what: `${left.runId} and ${right.runId} in ${key}`,
      })),
  );
}

function moves(key: string, runs: readonly Execution[]): Violation[] {
  const places = new Set(runs.map(({ gatewayId }) => gatewayId));
  // A task without a session may be tried again elsewhere; that is no session of anybody's.
  if (places.size <= 1 || !key.includes(':s:')) return [];
  return [
    {
      rule: RULES.moved,
      what: `${key} ran on ${[...places].join(', ')}`,
    },
  ];
}

/** A message that arrives while another run of its session executes would be steered into that run. */
function interruptions(
  key: string,
  runs: readonly Execution[],
  requests: Evidence['requests'],
): Violation[] {
  return requests.flatMap((request) =>
    runs
      .filter(
        (run) =>
          run.gatewayId === request.gatewayId &&
          run.root !== request.runId &&
          run.startedAtMs < request.atMs &&
          (run.endedAtMs ?? Infinity) > request.atMs,
      )
      .map((run) => ({
        rule: RULES.interrupted,
        what: `${request.runId} was sent while ${run.runId} executed in ${key}`,
      })),
  );
}

/** The first turn of each task of a session begins in the order of the submits. */
function disorder({ tasks, executions }: Evidence): Violation[] {
  const firstStart = new Map<string, number>();
  for (const { taskId, startedAtMs } of executions) {
    if (taskId !== null && !firstStart.has(taskId)) firstStart.set(taskId, startedAtMs);
  }
  const bySession = Map.groupBy(
    tasks.filter(({ session, taskId }) => session !== null && firstStart.has(taskId)),
    ({ session }) => session,
  );
  return [...bySession].flatMap(([session, members]) => {
    const inOrder = members.toSorted((left, right) => left.submitted - right.submitted);
    return inOrder.slice(1).flatMap((task, index) => {
      const before = inOrder[index];
      if (before === undefined) return [];
      const isBefore = (firstStart.get(before.taskId) ?? 0) <= (firstStart.get(task.taskId) ?? 0);
      if (isBefore) return [];
      const what = `${task.taskId} began before ${before.taskId} in ${String(session)}`;
      return [{ rule: RULES.order, what }];
    });
  });
}
