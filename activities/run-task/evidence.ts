import type { Observation } from '../../src/domain/attempt-protocol-types.ts';
import type { RunState } from './run-state.ts';

/** What a person is shown who has to decide about an attempt (P29). */
export interface Evidence {
  readonly words: string;
  readonly runIds: readonly string[];
  readonly recoveryRunIds: readonly string[];
  /** Where the last send went, and what answered last. */
  readonly sentTo: { readonly bootId: string | null; readonly stateId: string | null };
  readonly seen: unknown;
  /** An answer that was seen but cannot be trusted to be this attempt's; taken when a person accepts it. */
  readonly output: string | null;
}

export function evidenceOf({ facts, seen }: RunState, words: string): Evidence {
  const { runIds, recoveryRunIds, bootId, stateId } = facts;
  return {
    words,
    runIds,
    recoveryRunIds,
    sentTo: { bootId, stateId },
    seen: withoutAnswers(seen),
    output: answerIn(seen),
  };
}

function answerIn(seen: Observation): string | null {
  if (seen.kind !== 'seen') return null;
  const answers = [...seen.own, ...seen.recoveries].map((run) => run.answer);
  return answers.find((answer) => answer !== null)?.text ?? null;
}

/** Answers can be long, and stand beside. */
function withoutAnswers(seen: Observation): unknown {
  if (seen.kind !== 'seen') return seen;
  return {
    ...seen,
    own: seen.own.map((run) => ({ ...run, answer: run.answer !== null })),
    recoveries: seen.recoveries.map((run) => ({ ...run, answer: run.answer !== null })),
  };
}
