/** Attempt states (protocol.md "States"). */
export const OPEN_ATTEMPT_STATES = ['planned', 'sending', 'accepted', 'indeterminate'] as const;
export const ATTEMPT_STATES = [...OPEN_ATTEMPT_STATES, 'closed', 'released'] as const;
export type AttemptState = (typeof ATTEMPT_STATES)[number];
export type AttemptOutcome = 'succeeded' | 'failed' | 'cancelled' | 'expired' | 'discarded';

export function isOpen(state: AttemptState): boolean {
  return (OPEN_ATTEMPT_STATES as readonly string[]).includes(state);
}

/** Why nobody but a person can say how an attempt ended. */
export const INDETERMINATE_REASONS = [
  // accepted or maybe sent before, and the gateway shows no trace of it now
  'vanished',
  // another state directory answers at this endpoint
  'state-replaced',
  // the turn was interrupted and no recovery run appeared within the grace
  'no-recovery',
  // another's run kept the session busy beyond the bound
  'session-busy',
  // an abort could not be confirmed within the bound
  'abort-unconfirmed',
  // a workflow of this task had already ended when it was delivered (P17)
  'workflow-closed',
  // the gateway did not come back within the bound
  'gateway-gone',
  // runTask failed unexpectedly more often than allowed
  'unexpected',
] as const;
export type IndeterminateReason = (typeof INDETERMINATE_REASONS)[number];

/** What a person can decide about an indeterminate attempt (P29). */
export type Decision =
  | { readonly kind: 'accept'; readonly output: string | null }
  | { readonly kind: 'retry' }
  | { readonly kind: 'discard' };
