import type { StubRequest } from '../../src/gateway/stub-model.ts';
import { promptOf } from '../../src/gateway/stub-prompt.ts';
import type { TranscriptRow } from '../../src/gateway/transcript.ts';
import type { Seen, SeenRequest, SeenRun } from './witness.ts';

/** What a real gateway's own transcript of one session holds. */
export interface RealSession {
  readonly sessionKey: string;
  readonly rows: readonly TranscriptRow[];
}

/** An input of a session, with the run that it began or, after a crash of the gateway, resumes. */
interface Input {
  readonly sessionKey: string;
  readonly runId: string;
  readonly isRecovery: boolean;
  /** The words that the model is asked: those of the turn, also when it is resumed. */
  readonly prompt: string;
}

/**
 * The log that a real gateway does not write, from what it and its model say: which runs it was asked for, and in
 * which order, stands in its transcripts; when a turn executed, and how that ended, in the calls of its model. The
 * calls of one prompt belong to its inputs in their order. Every prompt of the workload is the only one of its words.
 * Pure.
 */
export function seenOfReal(
  sessions: readonly RealSession[],
  calls: readonly StubRequest[],
): readonly Seen[] {
  const inputs = Map.groupBy(sessions.flatMap(inputsOf), ({ prompt }) => prompt);
  const seen = [...Map.groupBy(calls, ({ prompt }) => prompt)].flatMap(([prompt, own]) =>
    turnsOf(inputs.get(prompt) ?? [], own),
  );
  return seen.toSorted((left, right) => left.atMs - right.atMs);
}

function inputsOf({ sessionKey, rows }: RealSession): Input[] {
  const inputs: Input[] = [];
  for (const row of rows) {
    if (row.role !== 'user') continue;
    const before = inputs.at(-1);
    if (!row.isRecoveryInput) {
      const prompt = promptOf([{ role: 'user', content: row.text }]);
      inputs.push({ sessionKey, runId: row.runId ?? 'unknown', isRecovery: false, prompt });
    } else if (before !== undefined) inputs.push({ ...before, isRecovery: true });
  }
  return inputs;
}

function turnsOf(inputs: readonly Input[], calls: readonly StubRequest[]): Seen[] {
  return calls.flatMap((call, index): Seen[] => {
    const input = inputs[Math.min(index, inputs.length - 1)];
    // A call of words that stand in no transcript is a run of nobody.
    const root = input?.runId ?? `unknown-${call.prompt}`;
    const isOwn = input?.isRecovery !== true && index < Math.max(1, inputs.length);
    const request: SeenRequest = {
      ...{ kind: 'request', atMs: call.atMs, runId: root, message: call.prompt },
      sessionKey: input?.sessionKey ?? 'unknown',
    };
    const run: SeenRun = {
      ...{ kind: 'run-start', atMs: call.atMs, sessionKey: request.sessionKey },
      ...(isOwn ? { runId: root, resumes: null } : { runId: `${root}#${index}`, resumes: root }),
    };
    const start: Seen[] = isOwn ? [request, run] : [run];
    if (call.endedAtMs === null) return start;
    return [...start, { ...run, kind: 'run-end', atMs: call.endedAtMs, outcome: outcomeOf(call) }];
  });
}

function outcomeOf({ outcome }: StubRequest): NonNullable<SeenRun['outcome']> {
  switch (outcome) {
    case 'answered':
      return 'done';
    case 'refused':
    case 'dropped':
      return 'failed';
    case 'answering':
    case 'abandoned':
      // The gateway went away in the middle of its turn, or was told to.
      return 'interrupted';
  }
}
