import { directive } from '../../src/gateway/stub-prompt.ts';
import type { Execution } from './executions.ts';
import { namesIn } from './executions.ts';
import type { SeenRequest } from './witness.ts';

/** An attempt of which Dash says that only a person can know how it ended. */
export interface OpenQuestion {
  readonly taskId: string;
  readonly attempt: number;
}

export type Judgement =
  | { readonly kind: 'accept'; readonly output: string; readonly why: string }
  | { readonly kind: 'retry' | 'discard' | 'wait'; readonly why: string };

/**
 * What a person who can read the wire logs decides about an indeterminate attempt (P29). Pure. While kills are under
 * way (`isCalm` false) only an answer is evidence enough: everything else may still change.
 */
export function judge(
  question: OpenQuestion,
  logs: {
    readonly executions: readonly Execution[];
    readonly requests: readonly SeenRequest[];
    readonly isCalm: boolean;
  },
): Judgement {
  const runs = logs.executions.filter(
    ({ taskId, attempt }) => taskId === question.taskId && attempt === question.attempt,
  );
  const answered = runs.find(({ end }) => end === 'done');
  if (answered !== undefined) {
    const request = logs.requests.find(({ runId }) => runId === answered.root);
    const output = request === undefined ? null : directive(request.message, 'say');
    return output === null
      ? { kind: 'wait', why: `${answered.runId} answered, but no request for it is on record` }
      : { kind: 'accept', output, why: `${answered.runId} answered on ${answered.gatewayId}` };
  }
  if (!logs.isCalm) return { kind: 'wait', why: 'kills are under way' };
  const executing = runs.find(({ end }) => end === null);
  if (executing !== undefined) return { kind: 'wait', why: `${executing.runId} executes` };
  if (runs.length > 0) {
    return { kind: 'discard', why: `it executed (${ends(runs)}) and never answered` };
  }
  const sent = logs.requests.filter(({ runId }) => isOf(runId, question)).length;
  return {
    kind: 'retry',
    why: `no gateway ever executed it (${sent === 0 ? 'never sent' : `sent ${sent} ×`})`,
  };
}

function ends(runs: readonly Execution[]): string {
  return runs.map(({ runId, end }) => `${runId}: ${String(end)}`).join(', ');
}

function isOf(runId: string, { taskId, attempt }: OpenQuestion): boolean {
  const names = namesIn(runId);
  return names.taskId === taskId && names.attempt === attempt;
}
