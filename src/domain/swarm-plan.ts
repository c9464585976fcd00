/**
 * The pure planner of a swarm (P31): from what its rows say now, what is to be done now. It keeps no memory, so a
 * round that is repeated, on another worker or after a crash, plans the same again.
 */

export const SWARM_STATES = ['running', 'paused', 'completed', 'failed', 'cancelled'] as const;
export type SwarmState = (typeof SWARM_STATES)[number];
export type SwarmEnd = 'completed' | 'failed' | 'cancelled';

export function isOpenSwarm(state: SwarmState): state is 'running' | 'paused' {
  return state === 'running' || state === 'paused';
}

/**
 * waiting: has no task yet; admitted: its task is open; completed, failed: how its task ended (`failed`: dead,
 * cancelled, expired, or a prompt that could not be made); skipped: will never have a task. Of a step that a person
 * completes the same, with its approval in place of the task.
 */
export type SwarmNodeState = 'waiting' | 'admitted' | 'completed' | 'failed' | 'skipped';

export interface PlannedNode {
  readonly id: string;
  readonly kind: 'task' | 'approval';
  readonly dependsOn: readonly string[];
  readonly state: SwarmNodeState;
}

export interface SwarmSituation {
  readonly state: 'running' | 'paused';
  readonly onFailure: 'fail-fast' | 'continue';
  readonly cancelRequested: boolean;
  readonly maxParallel: number;
  /** In the order of the specification. */
  readonly nodes: readonly PlannedNode[];
}

export interface SwarmPlan {
  /** Nodes to admit now, first come first. */
  readonly admit: readonly string[];
  /** Nodes that will never run, and why, in words for people. */
  readonly skip: readonly { readonly id: string; readonly reason: string }[];
  /** Nodes whose open task is to be cancelled; asking twice does no harm. */
  readonly cancel: readonly string[];
  /** Open approval steps that are not asked for any more, and why. */
  readonly withdraw: readonly { readonly id: string; readonly reason: string }[];
  /** How the swarm ended; null while something is open or still to come. */
  readonly end: SwarmEnd | null;
}

/**
 * Never more open tasks than `maxParallel`, never a node before its dependencies are completed, and always an end:
 * while nothing is open and nothing is paused, each plan admits something or ends the swarm. Approval steps take no
 * place among the open tasks.
 */
export function planSwarm(situation: SwarmSituation): SwarmPlan {
  const stop = reasonToStop(situation);
  const skip = stop === null ? orphans(situation.nodes) : skipAll(situation.nodes, stop);
  const open = situation.nodes.filter(({ state }) => state === 'admitted');
  const tasks = open.filter(({ kind }) => kind === 'task').map(({ id }) => id);
  const approvals = open.filter(({ kind }) => kind === 'approval').map(({ id }) => id);
  const admit =
    stop === null && situation.state === 'running' ? admissible(situation, tasks.length) : [];
  const left = idsIn(situation.nodes, 'waiting').length - skip.length;
  const over = open.length === 0 && left === 0;
  return {
    admit,
    skip,
    cancel: stop === null ? [] : tasks,
    withdraw: stop === null ? [] : approvals.map((id) => ({ id, reason: stop })),
    end: over ? endOf(situation, skip.length) : null,
  };
}

/** Why nothing of this swarm is to start any more; null: nothing speaks against it. */
function reasonToStop({ cancelRequested, onFailure, nodes }: SwarmSituation): string | null {
  if (cancelRequested) return 'the swarm was cancelled';
  if (onFailure === 'continue') return null;
  const failed = nodes.find((node) => node.state === 'failed');
  return failed === undefined
    ? null
    : `"${failed.id}" failed and the swarm stops at the first failure`;
}

function skipAll(nodes: readonly PlannedNode[], reason: string): SwarmPlan['skip'] {
  return idsIn(nodes, 'waiting').map((id) => ({ id, reason }));
}

/** Waiting nodes below a failed or skipped one: what they need will never be there. */
function orphans(nodes: readonly PlannedNode[]): SwarmPlan['skip'] {
  const gone = new Set(
    nodes.filter(({ state }) => state === 'failed' || state === 'skipped').map(({ id }) => id),
  );
  const skip: { id: string; reason: string }[] = [];
  for (let found = -1; found < skip.length;) {
    found = skip.length;
    for (const node of nodes) {
      if (node.state !== 'waiting' || gone.has(node.id)) continue;
      const missing = node.dependsOn.find((id) => gone.has(id));
      if (missing === undefined) continue;
      gone.add(node.id);
      skip.push({ id: node.id, reason: `it needs "${missing}", which did not complete` });
    }
  }
  return skip;
}

function admissible({ nodes, maxParallel }: SwarmSituation, openTasks: number): string[] {
  const completed = new Set(idsIn(nodes, 'completed'));
  let tasks = openTasks;
  return nodes
    .filter(
      ({ state, dependsOn }) => state === 'waiting' && dependsOn.every((id) => completed.has(id)),
    )
    .filter(({ kind }) => {
      if (kind === 'approval') return true;
      tasks += 1;
      return tasks <= maxParallel;
    })
    .map(({ id }) => id);
}

function idsIn(nodes: readonly PlannedNode[], state: SwarmNodeState): string[] {
  return nodes.filter((node) => node.state === state).map(({ id }) => id);
}

/** A cancel that finds everything completed changes nothing. */
function endOf({ nodes, cancelRequested }: SwarmSituation, skipped: number): SwarmEnd {
  if (skipped === 0 && nodes.every(({ state }) => state === 'completed')) return 'completed';
  return cancelRequested ? 'cancelled' : 'failed';
}

const NAMES_IN_REASON = 10;

/** Why a swarm ended as it did, for its row and for people; null: nothing needs explaining. */
export function explainEnd(end: SwarmEnd, nodes: readonly PlannedNode[]): string | null {
  if (end === 'completed') return null;
  if (end === 'cancelled') return 'cancelled on request';
  const failed = idsIn(nodes, 'failed');
  const named = failed.slice(0, NAMES_IN_REASON).map((id) => `"${id}"`);
  const more = failed.length - named.length;
  return `${named.join(', ')}${more === 0 ? '' : ` and ${more} more`} failed`;
}
