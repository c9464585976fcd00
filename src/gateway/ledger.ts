import { asRecord, asText } from './json-value.ts';
import { RECOVERY_PREFIX } from './transcript.ts';

/** One row of `tasks.list`: the gateway's durable ledger of `agent` and recovery runs, reduced. */
export interface LedgerRow {
  readonly runId: string;
  readonly sessionKey: string | null;
  /**
   * `running` covers queued and executing; `finishing`: over, but its outcome is not booked yet;
   * `interrupted`: its process ended under it.
   */
  readonly state:
    'running' | 'finishing' | 'completed' | 'failed' | 'timed-out' | 'aborted' | 'interrupted';
  readonly error: string | null;
  /** The gateway resumes an interrupted turn by it. */
  readonly isRecovery: boolean;
}

/** null for rows of other kinds: of another session's runs,
 * without a run id, or in a state that the protocol does not name. */
export function readLedgerRow(value: unknown): LedgerRow | null {
  const row = asRecord(value);
  const sessionKey = asText(row['sessionKey']);
  const childKey = asText(row['childSessionKey']);
  // A run that another session executes on behalf of this one (a subagent) is not a run of this session.
  if (childKey !== null && childKey !== sessionKey) return null;
  const runId = asText(row['runId']);
  const error = asText(row['error']) ?? asText(row['terminalSummary']);
  const state = stateOf(asText(row['status']), asRecord(row['execution'])['state'], error);
  if (runId === null || state === null) return null;
  const isRecovery = asText(row['title'])?.startsWith(RECOVERY_PREFIX) ?? false;
  return { runId, sessionKey, state, error, isRecovery };
}

function stateOf(
  status: string | null,
  execution: unknown,
  error: string | null,
): LedgerRow['state'] | null {
  switch (status) {
    case 'queued':
    case 'running':
      return execution === 'finished' ? 'finishing' : 'running';
    case 'completed':
      return 'completed';
    case 'failed':
      return 'failed';
    case 'timed_out':
      return 'timed-out';
    case 'cancelled':
      return /before restart|gateway restart|process exited/i.test(error ?? '')
        ? 'interrupted'
        : 'aborted';
    case null:
    default:
      return null;
  }
}
