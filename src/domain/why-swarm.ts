import type { SwarmFacts } from './why-facts.ts';
import { because, type Reason } from './why-reasons.ts';
import { temporalTrouble, type TemporalCheck } from './why-temporal.ts';
import type { Reasons } from './why.ts';

/** News are read at once; unread for so long, nobody reads them. */
const READ_WITHIN_MS = 5_000;

/** Where a swarm stands: what a person must do first, then its open tasks, then what waits for them. */
export function whySwarm(facts: SwarmFacts, temporal: TemporalCheck): Reasons {
  const { swarm } = facts;
  if (swarm.state !== 'running' && swarm.state !== 'paused') {
    const ended = { state: swarm.state, reason: swarm.stateReason };
    return [because('swarm-ended', ended, { since: swarm.finished })];
  }
  const reasons = [
    ...operatorReasons(facts),
    ...newsReasons(facts, temporal),
    ...openReasons(facts),
    ...waitReasons(facts),
  ];
  const [first, ...more] = reasons;
  if (first !== undefined) return [first, ...more];
  return [because('swarm-about-to-go-on', { ready: facts.ready }, { since: swarm.dirtySince })];
}

function countOpen({ openByState }: SwarmFacts): number {
  return Object.values(openByState).reduce((sum, count) => sum + count, 0);
}

function operatorReasons(facts: SwarmFacts): Reason[] {
  const { swarm, open, approvals } = facts;
  const reasons: Reason[] = [];
  if (swarm.cancelRequested)
    reasons.push(because('swarm-being-cancelled', { openTasks: countOpen(facts) }));
  if (swarm.state === 'paused')
    reasons.push(because('swarm-paused', { swarmId: swarm.id, name: swarm.name }));
  const undecided = open.filter(({ state }) => state === 'deciding');
  if (undecided.length > 0) {
    const nodes = undecided.map(({ nodeId, taskId }) => ({ nodeId, taskId }));
    const count = facts.openByState.deciding ?? nodes.length;
    reasons.push(because('swarm-needs-decision', { count, nodes }));
  }
  if (approvals.length > 0) {
    const nodes = approvals.map(({ nodeId, approvalId }) => ({ nodeId, approvalId }));
    const when = { since: approvals[0]?.since ?? null };
    reasons.push(because('swarm-needs-approval', { count: nodes.length, nodes }, when));
  }
  return reasons;
}

function newsReasons({ swarm }: SwarmFacts, temporal: TemporalCheck): Reason[] {
  const reasons = temporalTrouble(temporal);
  if (swarm.dirty && swarm.dirtySince.agoMs > READ_WITHIN_MS)
    reasons.push(because('swarm-news-unread', {}, { since: swarm.dirtySince }));
  return reasons;
}

function openReasons(facts: SwarmFacts): Reason[] {
  const { open, openByState } = facts;
  if (open.length === 0) return [];
  const nodes = open.slice(0, 20).map(({ nodeId, taskId, state, since }) => ({
    nodeId,
    taskId,
    state,
    since: since.at,
  }));
  return [
    because('swarm-tasks-open', { count: countOpen(facts), nodes, byState: { ...openByState } }),
  ];
}

function waitReasons(facts: SwarmFacts): Reason[] {
  const { swarm, ready, waiting, waitingCount } = facts;
  const reasons: Reason[] = [];
  if (ready > 0 && countOpen(facts) >= swarm.maxParallel)
    reasons.push(because('swarm-at-max-parallel', { maxParallel: swarm.maxParallel, ready }));
  if (waitingCount > 0) {
    const nodes = waiting.map(({ nodeId, waitsFor }) => ({ nodeId, waitsFor: [...waitsFor] }));
    reasons.push(because('swarm-nodes-wait', { count: waitingCount, nodes }));
  }
  return reasons;
}
