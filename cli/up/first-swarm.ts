/**
 * The first swarm of `npm start`: shows a newcomer the way of real work, and never repeats what was
 * done. An unfinished one of an earlier start is followed to its end; one that completed before is
 * run again only when asked for.
 */
import { ApiUnreachable } from '../../src/contract/client-errors.ts';
import type { DashClient } from '../../src/contract/client.ts';
import type { Swarm, SwarmNode } from '../../src/contract/swarms.ts';
import type { SwarmSpecInput } from '../../src/domain/swarm-schema.ts';
import type { Progress } from '../../src/local/progress.ts';
import type { CliContext } from '../context.ts';
import { count } from '../output/format.ts';
import { submitSafely } from '../submit-safely.ts';
import { followSwarm, hasEnded, settledNodes, type SwarmView } from '../swarm-outcome.ts';
import { readOutcome, type NodeResult } from '../swarm-results.ts';

/** What becomes of the first swarm at this start. */
export type FirstSwarm =
  | { readonly kind: 'submitted' | 'followed'; readonly swarm: Swarm }
  | { readonly kind: 'done-before'; readonly swarm: Swarm };

/** Submits it, finds the unfinished one, or finds that it completed before (and `again` was not asked for). */
export async function beginFirstSwarm(options: {
  context: CliContext;
  client: DashClient;
  spec: SwarmSpecInput;
  /** Run it even when it completed before. */
  again: boolean;
}): Promise<FirstSwarm> {
  const { context, client, spec } = options;
  const earlier = await earlierRuns(client, spec.name);
  const unfinished = earlier.find((swarm) => !hasEnded(swarm));
  if (unfinished !== undefined) return { kind: 'followed', swarm: unfinished };
  const completed = earlier.find(({ state }) => state === 'completed');
  if (completed !== undefined && !options.again) return { kind: 'done-before', swarm: completed };
  const { swarm } = await submitSafely({
    context,
    idempotencyKey: context.randomId(),
    submit: (idempotencyKey) => client.swarms.run({ body: spec, idempotencyKey }),
  });
  return { kind: 'submitted', swarm };
}

/** Newest first. Two hundred are enough: what has not completed in so many runs is no first swarm any more. */
async function earlierRuns(client: DashClient, name: string): Promise<readonly Swarm[]> {
  const { items } = await client.swarms.list({ query: { limit: 200 } });
  return items.filter((swarm) => swarm.name === name);
}

/**
 * Follows a swarm to its end under a progress bar. `onAnswer` gets each node once, as soon as it has
 * ended; nodes without a task (skipped) come, too.
 */
export async function showFirstSwarm(options: {
  context: CliContext;
  client: DashClient;
  swarm: Swarm;
  progress: Progress;
  onAnswer: (result: NodeResult) => void;
}): Promise<SwarmView> {
  const { context, client, swarm, onAnswer } = options;
  const step = options.progress.step(`Swarm ${swarm.name}`);
  const told = new Set<string>();
  const tell = async ({ nodes, swarm: now }: SwarmView): Promise<void> => {
    for (const node of nodes) {
      if (told.has(node.id) || !isSettled(node)) continue;
      onAnswer({ node, outcome: await readOutcome(client, node.taskId) });
      told.add(node.id);
    }
    step.update(settledNodes(now), { total: nodes.length });
    step.note(noteOf(now));
  };
  try {
    const view = await followSwarm({
      context: {
        ...context,
        output: { ...context.output, note: (text) => options.progress.line(text) },
      },
      client,
      swarmId: swarm.id,
      timeoutMs: undefined,
      onView: tell,
    });
    const words = `Swarm ${swarm.name} ${view.swarm.state}: ${view.swarm.nodeCounts.completed} of ${count(view.nodes.length, 'task')} answered`;
    if (view.swarm.state === 'completed') step.done(words);
    else step.fail(words);
    return view;
  } catch (error) {
    step.fail(
      error instanceof ApiUnreachable
        ? 'The API does not answer any more'
        : `Swarm ${swarm.name} is not followed any more`,
    );
    throw error;
  }
}

function isSettled({ state }: SwarmNode): boolean {
  return state === 'completed' || state === 'failed' || state === 'skipped';
}

function noteOf({ nodeCounts }: Swarm): string {
  const parts = [
    nodeCounts.admitted > 0 ? `${nodeCounts.admitted} under way` : undefined,
    nodeCounts.failed > 0 ? `${nodeCounts.failed} failed` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}
