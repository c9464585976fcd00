import type { Clock } from '../../platform/clock.ts';
import { directive } from '../stub-prompt.ts';

/** One turn that the fake is about to execute. */
export interface Turn {
  readonly runId: string;
  readonly sessionKey: string;
  /** The words that the task or person sent; for a recovery those of the turn it resumes. */
  readonly prompt: string;
  readonly isRecovery: boolean;
  /** Which time this boot's gateway executes this run id or its recovery, from 1. */
  readonly nth: number;
}

/** What becomes of a turn. Delays are in milliseconds of the fake's clock. */
export type TurnPlan =
  | {
      readonly kind: 'answer';
      readonly text: string;
      readonly delayMs?: number;
      /** Model calls that the turn makes, each of `delayMs` and each with its own usage; 1 when absent. */
      readonly calls?: number;
    }
  | { readonly kind: 'fail'; readonly failure: ScriptedFailure; readonly delayMs?: number }
  | { readonly kind: 'hang' };

/** The failures that a real gateway shows, each with its own words (reference: recorded on 2026.9.6). */
export type ScriptedFailure =
  | 'bad-request'
  | 'unauthorized'
  | 'rate-limited'
  | 'provider-down'
  | 'dropped'
  | 'unknown'
  | 'unknown-model'
  | 'key-disabled';

/** Decides a turn; undefined leaves it to the directives in the prompt. */
export type Script = (turn: Turn) => TurnPlan | undefined;

export interface FailureWords {
  /** What the ledger and the session keep. */
  readonly error: string;
  /** What the transcript row says. */
  readonly row: string;
  readonly ledger: 'failed' | 'timed_out';
  /** The turn never began: no user row, the input stays `interrupted`. */
  readonly beforeReply: boolean;
}

const TEMPORARY = 'This is usually temporary — try again shortly.';

const FAILED = { ledger: 'failed', beforeReply: false } as const;
const BEFORE_REPLY = { ledger: 'failed', beforeReply: true } as const;
const NOTE = 'This turn ended before a reply: ';
const SIGN_IN = 'Re-authenticate the provider and try again.';
const KEY_DISABLED =
  'Inline API key for provider "fake" is temporarily disabled after a provider auth/billing failure. Retry after about 1 minute.';
const MODEL_GONE = '⚠️ The configured model is unavailable from the provider.';

const WORDS: Readonly<Record<ScriptedFailure, FailureWords>> = {
  'bad-request': {
    ...FAILED,
    error: 'LLM request failed: provider rejected the request schema or tool payload.',
    row: '⚠️ LLM request failed (request format rejected, HTTP 400).',
  },
  unauthorized: {
    ...FAILED,
    error: `⚠️ fake/fake-1 request failed (authentication failed, HTTP 401). ${SIGN_IN}`,
    row: `⚠️ LLM request failed (authentication failed, HTTP 401). ${SIGN_IN}`,
  },
  'rate-limited': {
    ...FAILED,
    error: '⚠️ fake error 429; Retry-After: 1 seconds',
    row: `⚠️ LLM request failed (rate limited, HTTP 429). ${TEMPORARY}`,
  },
  'provider-down': {
    ...FAILED,
    error: `⚠️ fake/fake-1 request failed (provider internal error, HTTP 503). ${TEMPORARY}`,
    row: `⚠️ LLM request failed (provider internal error, HTTP 503). ${TEMPORARY}`,
  },
  dropped: {
    error: 'LLM request failed: network connection error.',
    row: 'LLM request failed: network connection error.',
    ledger: 'timed_out',
    beforeReply: false,
  },
  unknown: {
    ...FAILED,
    error: '⚠️ Agent run failed (model: fake/fake-1).',
    row: 'The agent run failed before producing a reply.',
  },
  'unknown-model': {
    ...BEFORE_REPLY,
    error: `${MODEL_GONE} This needs a config update (agents.defaults.model).`,
    row: `${NOTE}${MODEL_GONE}`,
  },
  'key-disabled': { ...BEFORE_REPLY, error: KEY_DISABLED, row: `${NOTE}${KEY_DISABLED}` },
};

export function wordsOf(failure: ScriptedFailure): FailureWords {
  return WORDS[failure];
}

/**
 * Directives anywhere in a prompt, the same words that the stub model knows:
 * `[[say:text]]` `[[calls:n]]` `[[sleep:ms]]` `[[status:code]]` `[[hang]]` `[[drop]]`, and `[[fail:<ScriptedFailure>]]`.
 */
export function planFromPrompt(prompt: string): TurnPlan {
  const delayMs = Number(directive(prompt, 'sleep') ?? 0);
  if (directive(prompt, 'hang') !== null) return { kind: 'hang' };
  const failure = failureOf(prompt);
  if (failure !== null) return { kind: 'fail', failure, delayMs };
  const said = directive(prompt, 'say');
  const calls = Math.max(1, Number(directive(prompt, 'calls') ?? 1) || 1);
  return {
    kind: 'answer',
    text: said ?? `fake answer to: ${prompt.slice(0, 200)}`,
    delayMs,
    calls,
  };
}

function failureOf(prompt: string): ScriptedFailure | null {
  const named = directive(prompt, 'fail');
  if (named !== null && named in WORDS) return named as ScriptedFailure;
  if (directive(prompt, 'drop') !== null) return 'dropped';
  switch (directive(prompt, 'status')) {
    case null:
      return null;
    case '400':
      return 'bad-request';
    case '401':
      return 'unauthorized';
    case '429':
      return 'rate-limited';
    default:
      return 'provider-down';
  }
}

/** Waits on the fake's clock unless the turn ends first; false when it did. */
export async function waitFor(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await clock.sleep(ms, signal);
  return !signal.aborted;
}
