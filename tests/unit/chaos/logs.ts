import type { ClientTask, Testimony } from '../../../scripts/chaos/evidence.ts';
import type { Seen } from '../../../scripts/chaos/witness.ts';

/** Wire logs and answers, written down by hand, for the tests of the checker. */

export const SESSION = 'agent:main:dash-x:s:default:talk';

export function started(runId: string, atMs: number, sessionKey = `key-of-${runId}`): Seen {
  return { kind: 'run-start', atMs, runId, sessionKey, resumes: null };
}

export function resumed(root: string, atMs: number, sessionKey = `key-of-${root}`): Seen {
  return { kind: 'run-start', atMs, runId: `recovery-of-${root}`, sessionKey, resumes: root };
}

export function ended(
  runId: string,
  atMs: number,
  outcome: 'done' | 'failed' | 'aborted' = 'done',
): Seen {
  return { kind: 'run-end', atMs, runId, sessionKey: '', resumes: null, outcome };
}

export function booted(atMs: number, lastSignOfLifeMs: number): Seen {
  return { kind: 'boot', atMs, lastSignOfLifeMs };
}

export function requested(
  runId: string,
  atMs: number,
  { sessionKey = `key-of-${runId}`, message = '[[say:yes]]' } = {},
): Seen {
  return { kind: 'request', atMs, runId, sessionKey, message };
}

export function task(taskId: string, change: Partial<ClientTask> = {}): ClientTask {
  return {
    taskId,
    submitted: 0,
    session: null,
    expectation: { answer: 'yes', failures: 0, mayBeCancelled: false },
    node: null,
    endsTold: ['completed'],
    endKnownAtMs: 1_000,
    state: 'completed',
    output: 'yes',
    decisions: [],
    ...change,
  };
}

export function testimony(
  tasks: readonly ClientTask[],
  logs: Readonly<Record<string, readonly Seen[]>>,
  change: Partial<Testimony> = {},
): Testimony {
  return {
    gateways: Object.entries(logs).map(([gatewayId, log]) => ({ gatewayId, lanes: 2, log })),
    tasks,
    swarms: [],
    lanesHeld: [],
    unasked: [],
    ...change,
  };
}
