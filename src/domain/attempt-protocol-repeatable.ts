import type { IndeterminateReason } from './attempt.ts';
import type { Situation } from './attempt-protocol-situation.ts';
import type { Action } from './attempt-protocol-types.ts';

/**
 * Why the outcome of a run may be unknown for good: the gateway lost it, or was lost with it. Every other reason
 * (an abort that is not confirmed, somebody else in the session, rows that contradict the gateway) needs a person.
 */
const LOST_WITH_ITS_GATEWAY: readonly IndeterminateReason[] = [
  'vanished',
  'no-recovery',
  'state-replaced',
  'gateway-gone',
];

/**
 * A run that the gateway has lost is a failed attempt when its task may be done twice (P27): nobody need decide, and
 * because it counts as an attempt, a task that takes its gateway down each time comes to its end (R7). Any other task
 * waits for a person, and nothing is sent again before.
 */
export function failedIfRepeatable(
  { facts }: Situation,
  action: Extract<Action, { kind: 'indeterminate' }>,
): Action {
  const runId = facts.runIds.at(-1);
  if (!facts.idempotent || facts.cancelRequested !== null || runId === undefined) return action;
  if (!LOST_WITH_ITS_GATEWAY.includes(action.reason)) return action;
  return {
    kind: 'fail',
    failure: {
      runId,
      class: 'interrupted',
      message: action.evidence.slice(0, 2_000),
      retryAfterMs: null,
      aborted: false,
      timedOut: false,
    },
  };
}
