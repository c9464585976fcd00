import type { Seen, SeenRun } from './witness.ts';

/** One turn that a gateway executed, by its own log. */
export interface Execution {
  readonly gatewayId: string;
  readonly runId: string;
  /** The run that Dash sent: this one, or the one that the gateway resumed by it. */
  readonly root: string;
  readonly isRecovery: boolean;
  /** null: no run of Dash. */
  readonly taskId: string | null;
  readonly attempt: number | null;
  readonly sessionKey: string;
  readonly startedAtMs: number;
  /** Of an interrupted turn: the last moment at which it is known to have lived. null: it still executes. */
  readonly endedAtMs: number | null;
  readonly end: 'done' | 'failed' | 'aborted' | 'timed-out' | 'interrupted' | null;
}

type Open = { -readonly [Key in keyof Execution]: Execution[Key] };

/** All turns of one gateway in the order in which they began. A boot interrupts what the one before it left open. */
export function executionsOf(gatewayId: string, log: readonly Seen[]): Execution[] {
  const all: Open[] = [];
  const open = new Map<string, Open>();
  for (const entry of log) {
    switch (entry.kind) {
      case 'run-start': {
        const execution = begin(gatewayId, entry);
        // Two starts of one id without an end between them: both stay on the record.
        all.push(execution);
        open.set(entry.runId, execution);
        break;
      }
      case 'run-end': {
        const execution = open.get(entry.runId);
        if (execution === undefined) break;
        execution.endedAtMs = entry.atMs;
        execution.end = entry.outcome ?? null;
        open.delete(entry.runId);
        break;
      }
      case 'boot':
        for (const execution of open.values()) {
          execution.endedAtMs = Math.max(execution.startedAtMs, entry.lastSignOfLifeMs);
          execution.end = 'interrupted';
        }
        open.clear();
        break;
      case 'request':
        break;
    }
  }
  return all;
}

function begin(gatewayId: string, { runId, resumes, sessionKey, atMs }: SeenRun): Open {
  const root = resumes ?? runId;
  return {
    gatewayId,
    runId,
    root,
    isRecovery: resumes !== null,
    ...namesIn(root),
    sessionKey,
    startedAtMs: atMs,
    endedAtMs: null,
    end: null,
  };
}

/** Dash names its runs `<taskId>-a<n>`, and `<taskId>-a<n>r<m>` when it sends again. */
export function namesIn(runId: string): { taskId: string | null; attempt: number | null } {
  const [, taskId, attempt] = /^(.+)-a(\d+)(?:r\d+)?$/.exec(runId) ?? [];
  return taskId === undefined
    ? { taskId: null, attempt: null }
    : { taskId, attempt: Number(attempt) };
}

/** True when both executed at one moment, as far as the logs show. */
export function overlap(left: Execution, right: Execution): boolean {
  const end = (execution: Execution): number => execution.endedAtMs ?? Number.POSITIVE_INFINITY;
  return left.startedAtMs < end(right) && right.startedAtMs < end(left);
}
