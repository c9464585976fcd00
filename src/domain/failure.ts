/**
 * Why a run ended badly. As many classes as there are things that can be done about it (`retry-policy.ts`):
 * - `transient`: trying again may help (5xx, dropped stream, time-out of a provider).
 * - `rate-limited`: trying again helps after a while; `retryAfterMs` is the gateway's own hint.
 * - `permanent`: trying again cannot help (bad credentials, invalid request, unknown agent or model).
 * - `unknown`: the gateway said "failed" without a reason that Dash can classify; retried, but bounded.
 * - `interrupted`: the gateway lost the run, or was lost with it, and nothing resumed; only of a task that may be done
 *   twice: of any other a person is asked.
 */
export const FAILURE_CLASSES = [
  'transient',
  'rate-limited',
  'permanent',
  'unknown',
  'interrupted',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** A run's bad end, in the gateway's own words. */
export interface RunFailure {
  readonly runId: string;
  readonly class: FailureClass;
  /** The gateway's message, shortened to 2 000 characters, without secrets. */
  readonly message: string;
  readonly retryAfterMs: number | null;
  /** The run was aborted on request (`sessions.abort`), by Dash or by a person at the gateway. */
  readonly aborted: boolean;
  /** The run used up its own time (`agent.timeout`). */
  readonly timedOut: boolean;
}

/** What a run consumed; counts in tokens, cost in USD as the gateway reckons it (null: it did not say). */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly costUsd: number | null;
}

/** A run's good end. */
export interface RunAnswer {
  readonly runId: string;
  readonly text: string;
  readonly usage: Usage | null;
  readonly model: string | null;
}
