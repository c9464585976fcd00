import {
  freeLane,
  markIndeterminate,
  recoverFromIndeterminate,
} from '../../src/db/attempt-decision.ts';
import { readAttempt, readCancelRequests } from '../../src/db/attempt-record.ts';
import {
  adoptRecovery,
  beginSending,
  closeAttempt,
  markAccepted,
  markUnexpected,
  releaseAttempt,
} from '../../src/db/attempt-run.ts';
import { countUsage } from '../../src/db/attempt-usage.ts';
import { requestCancel } from '../../src/db/cancel.ts';
import type { Database } from '../../src/db/database.ts';
import { settleTask } from '../../src/db/settle.ts';
import type { RunRows } from './ports.ts';

/** The stores that a run writes to, on this database. */
export function bindRunRows(db: Database): RunRows {
  return {
    readAttempt: (attemptId) => readAttempt(db, attemptId),
    readCancelRequests: (attemptIds) => readCancelRequests(db, attemptIds),
    beginSending: (options) => beginSending(db, options),
    markAccepted: (options) => markAccepted(db, options),
    adoptRecovery: (options) => adoptRecovery(db, options),
    closeAttempt: (options) => closeAttempt(db, options),
    releaseAttempt: (options) => releaseAttempt(db, options),
    settleTask: (options) => settleTask(db, options),
    markIndeterminate: (options) => markIndeterminate(db, options),
    freeLane: (options) => freeLane(db, options),
    recoverFromIndeterminate: (options) => recoverFromIndeterminate(db, options),
    markUnexpected: (attemptId, message) => markUnexpected(db, attemptId, message),
    requestCancel: (options) => requestCancel(db, options),
    countUsage: (options) => countUsage(db, options),
  };
}
