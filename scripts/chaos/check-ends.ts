import { assertNever } from '../../src/domain/assert-never.ts';
import { isTerminal } from '../../src/domain/task.ts';
import type { ClientTask, Evidence } from './evidence.ts';
import type { Execution } from './executions.ts';
import { RULES, type Violation } from './rules.ts';

/** Every accepted task has exactly one end, and it is the one that the gateways' logs show (R10, R11, R13). */
export function checkEnds(evidence: Evidence): Violation[] {
  const byTask = Map.groupBy(evidence.executions, ({ taskId }) => taskId);
  return [
    ...evidence.tasks.flatMap((task) => {
      const runs = byTask.get(task.taskId) ?? [];
      return [...endOf(task), ...truthOf(task, runs), ...decisionsOf(task, runs)];
    }),
    ...evidence.swarms.flatMap((swarm) => swarmEnd(swarm, evidence)),
    ...evidence.lanesHeld
      .filter(({ held }) => held !== 0)
      .map(({ gatewayId, held }) => ({
        rule: RULES.lanesFree,
        what: `${gatewayId} holds ${held}`,
      })),
  ];
}

function endOf(task: ClientTask): Violation[] {
  const { taskId, state, endsTold } = task;
  if (!isTerminal(state)) {
    return [{ rule: RULES.lost, what: `${taskId} is ${state} at the end` }];
  }
  const told = new Set([...endsTold, state]);
  if (told.size === 1) return [];
  const what = `${taskId} was told to be ${[...told].join(', then ')}`;
  return [{ rule: RULES.oneEnd, what }];
}

/** The end that the client was told against what the gateways did. */
function truthOf(task: ClientTask, runs: readonly Execution[]): Violation[] {
  const { taskId, state, output, expectation, decisions } = task;
  const answers = runs.filter(({ end }) => end === 'done').length;
  const failures = runs.filter(({ end }) => end === 'failed' || end === 'timed-out').length;
  const wrong = (what: string): Violation[] => [{ rule: RULES.trueEnd, what: `${taskId} ${what}` }];
  if (!isTerminal(state)) return [];
  switch (state) {
    case 'completed':
      if (answers !== 1) return wrong(`is completed with ${answers} answers on the wire`);
      return output === expectation.answer
        ? []
        : wrong(`answers "${String(output)}" instead of "${String(expectation.answer)}"`);
    case 'dead':
      if (decisions.some(({ decision }) => decision === 'discard')) {
        return answers === 0 ? [] : wrong('is discarded, and its answer is on the wire');
      }
      if (expectation.answer !== null) return wrong(`is dead, and should have answered`);
      return failures === expectation.failures
        ? []
        : wrong(`is dead after ${failures} failed runs instead of ${expectation.failures} (R7)`);
    case 'cancelled':
      if (!expectation.mayBeCancelled) return wrong('is cancelled, and nobody asked for it');
      return answers === 0 ? [] : wrong('is cancelled, and its answer is on the wire');
    case 'expired':
      return wrong('is expired, and has no deadline');
    default:
      return assertNever(state);
  }
}

/** What the judge decided while the logs grew against what they show now. */
function decisionsOf({ taskId, decisions }: ClientTask, runs: readonly Execution[]): Violation[] {
  return decisions.flatMap(({ attempt, decision }) => {
    const own = runs.filter((run) => run.attempt === attempt);
    const hasAnswered = own.some(({ end }) => end === 'done');
    const isTrue = { accept: hasAnswered, retry: own.length === 0, discard: !hasAnswered }[
      decision
    ];
    if (isTrue) return [];
    const ends = own.map(({ runId, end }) => `${runId}: ${String(end)}`).join(', ') || 'nothing';
    const what = `${taskId} attempt ${attempt}: ${decision}, and the logs show ${ends}`;
    return [{ rule: RULES.decided, what }];
  });
}

/** A swarm completes, and its last node was given what all others answered. */
function swarmEnd(swarm: Evidence['swarms'][number], evidence: Evidence): Violation[] {
  const rule = RULES.swarmEnd;
  const members = evidence.tasks.filter(({ node }) => node?.startsWith(`${swarm.swarmId}/`));
  const isDiscarded = members.some(({ decisions }) =>
    decisions.some(({ decision }) => decision === 'discard'),
  );
  if (isDiscarded) return [];
  if (swarm.state !== 'completed') return [{ rule, what: `${swarm.swarmId} is ${swarm.state}` }];
  const { reduceNode } = swarm;
  if (reduceNode === null) return [];
  const last = members.find(({ node }) => node === `${swarm.swarmId}/${reduceNode}`);
  const asked = evidence.requests.find(
    ({ runId }) => last !== undefined && runId.startsWith(`${last.taskId}-a`),
  );
  const missing = swarm.mapAnswers.filter((answer) => asked?.message.includes(answer) !== true);
  return missing.length === 0
    ? []
    : [{ rule, what: `${swarm.swarmId}: ${reduceNode} was not given ${missing.join(', ')}` }];
}
