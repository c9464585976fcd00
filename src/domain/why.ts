import type { Reason, WhyCode, Words } from './why-reasons.ts';
import { ATTEMPT_WORDS } from './why-words-attempt.ts';
import { GATEWAY_WORDS } from './why-words-gateway.ts';
import { QUEUE_WORDS } from './why-words-queue.ts';
import { SWARM_WORDS } from './why-words-swarm.ts';
import { WAIT_WORDS } from './why-words-wait.ts';

/** A reason as people and programs read it. */
export interface WhyReason {
  readonly code: WhyCode;
  readonly sentence: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly since: string | null;
  readonly until: string | null;
  /** What a person could do about it; null: nothing is called for. */
  readonly action: string | null;
}

/** Why something stands where it stands; the first reason is the one that binds. */
export interface Why {
  readonly subject: {
    readonly kind: 'task' | 'session' | 'swarm' | 'gateway';
    readonly id: string;
  };
  readonly state: string;
  readonly sentence: string;
  readonly reasons: readonly WhyReason[];
}

/** There is always at least one: nothing is ever just pending. */
export type Reasons = readonly [Reason, ...Reason[]];

const WORDS = {
  ...QUEUE_WORDS,
  ...WAIT_WORDS,
  ...ATTEMPT_WORDS,
  ...SWARM_WORDS,
  ...GATEWAY_WORDS,
};

/** Every code, in the order of the tables of words. */
export const WHY_CODES = Object.keys(WORDS) as [WhyCode, ...WhyCode[]];

/** Puts reasons into words, in their order. */
export function explain(subject: Why['subject'], state: string, [first, ...more]: Reasons): Why {
  const binding = inWords(first);
  return {
    subject,
    state,
    sentence: binding.sentence,
    reasons: [binding, ...more.map(inWords)],
  };
}

function inWords(reason: Reason): WhyReason {
  const { code, facts, since, until } = reason;
  // The table holds for each code the words of that code's facts.
  const words = WORDS[code] as unknown as (reason: Reason) => Words;
  return {
    code,
    ...words(reason),
    facts: { ...facts },
    since: since?.at ?? null,
    until: until?.at ?? null,
  };
}
