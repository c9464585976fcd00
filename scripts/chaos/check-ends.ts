import { assertNever } from '../../src/domain/assert-never.ts';
import { isTerminal } from '../../src/domain/task.ts';
import type { ClientTask, Evidence, Violation } from './evidence.ts';

/** Every accepted task has exactly one end, and it is the one that the gateways' logs show (R10, R11, R13). */
export function checkEnds(evidence: Evidence): Violation[] {
  return [
    ...evidence.tasks.flatMap((task) => [...endOf(task), ...truthOf(task, evidence)]),
    ...evidence.swarms.flatMap((swarm) => swarmEnd(swarm, evidence)),
    ...evidence.lanesHeld
      .filter(({ held }) => held !== 0)
      .map(({ gatewayId, held }) => ({
        rule: 'lanes are free at the end (R13)',
        what: `${gatewayId} holds ${held}`,
      })),
  ];
}

function endOf(task: ClientTask): Violation[] {
  const { taskId, state, endsTold } = task;
  if (!isTerminal(state)) {
    return [{ rule: 'no accepted task is lost (R11)', what: `${taskId} is ${state} at the end` }];
  }
  const told = new Set([...endsTold, state]);
  if (told.size === 1) return [];
  const what = `${taskId} was told to be ${[...told].join(', then ')}`;
  return [{ rule: 'a task has exactly one terminal state (R11)', what }];
}

/** The end that the client was told against what the gateways did. */
function truthOf(task: ClientTask, { executions }: Evidence): Violation[] {
  const { taskId, state, output, expectation, decisions } = task;
  const runs = executions.filter((execution) => execution.taskId === taskId);
  const answers = runs.filter(({ end }) => end === 'done').length;
  const failures = runs.filter(({ end }) => end === 'failed' || end === 'timed-out').length;
  const wrong = (what: string): Violation[] => [
    { rule: 'the end of a task is what its gateway did (R11)', what: `${taskId} ${what}` },
  ];
  if (!isTerminal(state)) return [];
  switch (state) {
    case 'completed':
      if (answers !== 1) return wrong(`is completed with ${answers} answers on the wire`);
      return output === expectation.answer
        ? []
        : wrong(`answers "${String(output)}" instead of "${String(expectation.answer)}"`);
    case 'dead':
      if (decisions.includes('discard')) return [];
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

/** A swarm completes, and its last node was given what all others answered. */
function swarmEnd(swarm: Evidence['swarms'][number], evidence: Evidence): Violation[] {
  const rule = 'a swarm ends with what its nodes answered (R11)';
  const members = evidence.tasks.filter(({ node }) => node?.startsWith(`${swarm.swarmId}/`));
  if (members.some(({ decisions }) => decisions.includes('discard'))) return [];
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
