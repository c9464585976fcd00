import type { FailureClass } from '../domain/failure.ts';

export interface FailureVerdict {
  readonly class: FailureClass;
  /** The provider's or the gateway's own hint, milliseconds; null when there is none. */
  readonly retryAfterMs: number | null;
}

interface Rule {
  readonly class: FailureClass;
  readonly pattern: RegExp;
}

/**
 * First match wins. The order matters where one text carries two signs: a key that the gateway disabled for a
 * minute after somebody else's 401 names both an auth failure and a wait, and the wait is what helps.
 */
const RULES: readonly Rule[] = [
  { class: 'rate-limited', pattern: /temporarily disabled|cool-?down/i },
  {
    class: 'rate-limited',
    pattern: /\bHTTP 429\b|\b429\b|rate.?limit|too many requests|quota exceeded|overloaded/i,
  },
  {
    class: 'permanent',
    pattern:
      /\bHTTP (400|401|402|403|404|405|410|413|415|422)\b|\b(400|401|403) (bad request|unauthorized|forbidden)\b/i,
  },
  {
    class: 'permanent',
    pattern:
      /authentication failed|invalid api key|incorrect api key|unauthori[sz]ed|permission denied|insufficient (credit|balance|quota)|billing/i,
  },
  {
    class: 'permanent',
    pattern:
      /unknown (agent|model)|model (is |was )?(not found|unavailable|not available)|configured model is unavailable|no api key|not configured/i,
  },
  {
    class: 'permanent',
    pattern:
      /rejected the request schema|request format rejected|invalid[ _]request|context (length|window) exceeded|prompt is too long|content (policy|filter)/i,
  },
  {
    class: 'transient',
    pattern:
      /\bHTTP 5\d\d\b|\b(500|502|503|504|529) |internal error|bad gateway|service unavailable/i,
  },
  {
    class: 'transient',
    pattern:
      /time[d]?.?out|network|connection (error|reset|refused|closed)|socket hang up|stream (dropped|ended|closed)|ECONN|ETIMEDOUT|EPIPE|fetch failed|temporary|try again/i,
  },
];

const MAX_HINT_MS = 3_600_000;

/**
 * What can be done about a failed run, from everything the gateway said about it (ledger, transcript row, session).
 * Total: texts that match no rule, or no text at all, are `unknown`. The gateway has retried 429, 5xx and dropped
 * streams by itself for a minute or more before it says so.
 */
export function classifyFailure(texts: readonly (string | null)[]): FailureVerdict {
  const all = texts.filter((text) => text !== null).join('\n');
  const rule = RULES.find(({ pattern }) => pattern.test(all));
  const found = rule?.class ?? 'unknown';
  return { class: found, retryAfterMs: found === 'permanent' ? null : retryHintMs(all) };
}

function retryHintMs(text: string): number | null {
  const match =
    /retry[- ]after:?\s*(?:about\s+)?(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|sec|seconds?|m|min|minutes?)?\b/i.exec(
      text,
    );
  if (match === null) return null;
  const amount = Number(match[1]);
  const unit = (match[2] ?? 's').toLowerCase();
  const factor =
    unit.startsWith('ms') || unit.startsWith('mil') ? 1 : unit.startsWith('m') ? 60_000 : 1000;
  return Math.min(Math.round(amount * factor), MAX_HINT_MS);
}
