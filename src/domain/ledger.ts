/** A run that a gateway executes now, as its owner reports it. */
export interface ReportedRun {
  readonly sessionKey: string;
  /** null: the session is busy, but the gateway does not say with which run. */
  readonly runId: string | null;
}

/** What the owner of a gateway answers on its control queue. */
export interface GatewayReportActivities {
  reportExecuting(input: { readonly gatewayId: string }): Promise<readonly ReportedRun[]>;
}

/** An open attempt as the ledger of its gateway should show it. */
export interface LedgerAttempt {
  readonly attemptId: string;
  readonly sessionKey: string;
  /** Own runs and adopted recoveries. */
  readonly runIds: readonly string[];
  /** Its row says that it is being sent or runs: something should execute. */
  readonly underWay: boolean;
}

/** A difference between a gateway's ledger and the open attempts there. */
export type LedgerDifference =
  /** The row says that it runs, and the gateway shows nothing of it. */
  | { readonly kind: 'not-executing'; readonly attemptId: string }
  /** The gateway executes something of this installation that no open attempt accounts for. */
  | { readonly kind: 'unaccounted'; readonly sessionKey: string; readonly runId: string | null };

/**
 * Compares what a gateway executes with what rows say it should (P35). Sessions of other installations and of
 * people are none of reconcile's business. One look proves nothing, since a run may end or begin between the two
 * reads: only what two rounds in a row show is a finding.
 */
export function compareLedger(options: {
  readonly installation: string;
  readonly attempts: readonly LedgerAttempt[];
  readonly reported: readonly ReportedRun[];
}): readonly LedgerDifference[] {
  const { installation, attempts, reported } = options;
  const idle = attempts
    .filter((attempt) => attempt.underWay)
    .filter((attempt) => !reported.some((run) => accountsFor(attempt, run)))
    .map(({ attemptId }) => ({ kind: 'not-executing', attemptId }) as const);
  const unaccounted = reported
    .filter((run) => run.sessionKey.includes(`:dash-${installation}:`))
    .filter((run) => !attempts.some((attempt) => accountsFor(attempt, run)))
    .map(({ sessionKey, runId }) => ({ kind: 'unaccounted', sessionKey, runId }) as const);
  return [...idle, ...unaccounted];
}

function accountsFor(attempt: LedgerAttempt, run: ReportedRun): boolean {
  return run.runId === null
    ? run.sessionKey === attempt.sessionKey
    : attempt.runIds.includes(run.runId);
}

/** Names a difference, so that the next round can tell that it is still the same. */
export function differenceKey(gatewayId: string, difference: LedgerDifference): string {
  return difference.kind === 'not-executing'
    ? `${gatewayId} idle ${difference.attemptId}`
    : `${gatewayId} runs ${difference.runId ?? difference.sessionKey}`;
}
