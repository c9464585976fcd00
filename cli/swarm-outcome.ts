/** How a swarm stands and ended, for people. */
import type { DashClient } from '../src/contract/client.ts';
import type { Swarm, SwarmNode } from '../src/contract/swarms.ts';
import type { CliContext } from './context.ts';
import { follow } from './follow.ts';
import { count } from './output/format.ts';

export interface SwarmView {
  readonly swarm: Swarm;
  readonly nodes: readonly SwarmNode[];
}

/** True when nothing of this swarm will change any more. */
export function hasEnded(swarm: Swarm): boolean {
  return swarm.state === 'completed' || swarm.state === 'failed' || swarm.state === 'cancelled';
}

/** Follows a swarm to its end; `onView` sees each look, the last one included. */
export function followSwarm(options: {
  context: CliContext;
  client: DashClient;
  swarmId: string;
  timeoutMs: number | undefined;
  onView: (view: SwarmView) => void | Promise<void>;
}): Promise<SwarmView> {
  const { context, client, swarmId } = options;
  return follow({
    context,
    client,
    what: `swarm ${swarmId}`,
    filter: { swarm: swarmId },
    timeoutMs: options.timeoutMs,
    read: () => client.swarms.get({ params: { swarmId }, signal: context.signal }),
    isEnd: ({ swarm }) => hasEnded(swarm),
    onState: options.onView,
  });
}

/** Nodes that will not change any more. */
export function settledNodes({ nodeCounts }: Swarm): number {
  return nodeCounts.completed + nodeCounts.failed + nodeCounts.skipped;
}

/** `running: 2 of 5 nodes done, 2 under way, 1 waiting`. */
export function swarmLine(swarm: Swarm): string {
  const { waiting, admitted, completed, failed, skipped } = swarm.nodeCounts;
  const total = waiting + admitted + completed + failed + skipped;
  const parts = [
    `${completed} of ${count(total, 'node')} done`,
    admitted > 0 ? `${admitted} under way` : undefined,
    waiting > 0 ? `${waiting} waiting` : undefined,
    failed > 0 ? `${failed} failed` : undefined,
    skipped > 0 ? `${skipped} skipped` : undefined,
  ].filter((part) => part !== undefined);
  const wish = swarm.cancelRequested && !hasEnded(swarm) ? ' (cancel requested)' : '';
  return `${swarm.state}${wish}: ${parts.join(', ')}`;
}

/** What a person is asked at present, and how to answer: one line for each open approval step. */
export function openQuestions({ nodes }: SwarmView): readonly string[] {
  return nodes.flatMap(({ id, kind, state, approvalId }) =>
    kind === 'approval' && state === 'admitted' && approvalId !== null
      ? [
          `"${id}" waits for a person: dashctl approval get ${approvalId}, then approve or reject it`,
        ]
      : [],
  );
}
