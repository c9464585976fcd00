import type { WorkflowMessages } from '../src/temporal/messages.ts';

/** Tells a swarm that a node of it has ended. */
export type SwarmNews = (swarmId: string) => void;

/** A hint, in the background: the row is dirty, and a signal that got lost is repeated by the control worker (swarm-reminder.ts). */
export function createSwarmNews(
  messages: Pick<WorkflowMessages, 'signalSwarmNews'>,
  log: { warn(detail: object, message: string): void },
): SwarmNews {
  return (swarmId) => {
    void messages.signalSwarmNews(swarmId).catch((error: unknown) => {
      log.warn({ swarmId, err: error }, 'a swarm was not told of its news');
    });
  };
}
