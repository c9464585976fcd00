import type { Clock } from '../../platform/clock.ts';
import type { LiveRun } from './live-run.ts';
import type { Emit } from './run-outcomes.ts';
import { taskView } from './session-views.ts';

/** What runs tell every client that listens, in the frames of the wire. */
export function createEmit(
  clock: Clock,
  broadcast: (event: string, payload: unknown) => void,
): Emit {
  const agent = (run: LiveRun, stream: string, data: unknown): void => {
    run.seq += 1;
    const { runId, sessionKey, sessionId, agentId, seq } = run;
    const ts = clock.now();
    broadcast('agent', { runId, sessionKey, sessionId, agentId, stream, data, seq, ts });
  };
  return {
    lifecycle: (run, data) => agent(run, 'lifecycle', data),
    assistant: (run, text, outputTokens) => {
      agent(run, 'assistant', { text, delta: text });
      agent(run, 'usage', { outputTokens });
    },
    usage: (run, outputTokens) => agent(run, 'usage', { outputTokens }),
    chat: (run, data) => {
      const { runId, sessionKey, agentId, seq } = run;
      broadcast('chat', { runId, sessionKey, agentId, seq, ...data });
    },
    task: (task) => broadcast('task', { action: 'upserted', task: taskView(task) }),
  };
}
