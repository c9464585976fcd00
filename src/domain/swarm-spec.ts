import { problemsOf, type InputProblem } from './input-problems.ts';
import { expandSwarm, type SwarmNode } from './swarm-expand.ts';
import { checkGraph } from './swarm-graph.ts';
import { MAX_SWARM_NODES } from './swarm-limits.ts';
import { swarmSpecSchema, type SwarmSpec } from './swarm-schema.ts';

export type SwarmSpecResult =
  | { readonly kind: 'valid'; readonly spec: SwarmSpec; readonly nodes: readonly SwarmNode[] }
  /** Every problem at once, each with its path. */
  | { readonly kind: 'invalid'; readonly problems: readonly InputProblem[] };

/**
 * Checks a specification and expands its strategy into one graph of nodes. Shape and graph are both looked at
 * even when one of them is already wrong, so that a person sees every problem in one go.
 */
export function parseSwarmSpec(input: unknown): SwarmSpecResult {
  const parsed = swarmSpecSchema.safeParse(input);
  const shape = parsed.success ? [] : problemsOf(parsed.error, swarmSpecSchema, input);
  const problems = [...shape, ...checkGraph(input)];
  if (!parsed.success || problems.length > 0) return { kind: 'invalid', problems };
  const nodes = expandSwarm(parsed.data);
  if (nodes.length > MAX_SWARM_NODES) {
    const message = `makes ${nodes.length} tasks with its reduce steps; a swarm has at most ${MAX_SWARM_NODES}`;
    return { kind: 'invalid', problems: [{ path: ['items'], message }] };
  }
  return { kind: 'valid', spec: parsed.data, nodes };
}
