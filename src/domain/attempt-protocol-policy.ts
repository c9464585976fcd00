/** Every bound of the attempt protocol, in milliseconds unless the name says otherwise. */
export interface AttemptPolicy {
  /**
   * How long after a boot's readiness, and after the last turn that it was seen resuming, a recovery run may still
   * appear (P22 case 5).
   */
  readonly recoveryGraceMs: number;
  /**
   * How long something inexplicable (accepted and nowhere, begun and not executing) must be seen without a break
   * before it is believed: the gateway's own books trail each other by moments.
   */
  readonly settleMs: number;
  /** How long another's run may keep the session before a person is asked (P22 case 7). */
  readonly sessionBusyMs: number;
  /** How long a gateway may be out of reach, or refuse a resend, before a person is asked. */
  readonly gatewayGoneMs: number;
  /** How long an attempt that was provably never sent waits for its gateway before it is released. */
  readonly unsentWaitMs: number;
  /** How long an abort may remain unconfirmed before a person is asked (P28). */
  readonly abortBoundMs: number;
  /** Sends that may be left without an answer and without a trace, before a person is asked (R10, G11). */
  readonly maxUnclearSends: number;
  /** A frame that left this host shows at the gateway within this, or never. */
  readonly arrivalMs: number;
  /** The gateway ends a run at its limit by itself; this much later Dash does. */
  readonly runLimitMarginMs: number;
  /**
   * A longer break between two looks, longer than any look takes, means that this owner was not looking: nothing
   * that it saw before has lasted since, for all it knows.
   */
  readonly inattentionMs: number;
  /** Pause between looks while waiting for the gateway to change its mind. */
  readonly pollMs: number;
  /** How often an attempt that something limits is looked at while it runs (P15); its gateway's events are quicker. */
  readonly budgetPollMs: number;
  /** Pause between an abort and the look that confirms it. */
  readonly abortPollMs: number;
}

export const DEFAULT_ATTEMPT_POLICY: AttemptPolicy = {
  recoveryGraceMs: 60_000,
  settleMs: 5_000,
  sessionBusyMs: 10 * 60_000,
  gatewayGoneMs: 15 * 60_000,
  unsentWaitMs: 30_000,
  abortBoundMs: 120_000,
  maxUnclearSends: 10,
  arrivalMs: 5_000,
  runLimitMarginMs: 60_000,
  inattentionMs: 60_000,
  pollMs: 1_000,
  budgetPollMs: 500,
  abortPollMs: 100,
};
