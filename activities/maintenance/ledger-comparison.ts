import { openAttempts } from '../../src/db/attempt-record.ts';
import { listGateways } from '../../src/db/gateway-store.ts';
import { readInstallation } from '../../src/db/installation-store.ts';
import { recordFinding } from '../../src/db/finding-store.ts';
import {
  compareLedger,
  differenceKey,
  type LedgerAttempt,
  type ReportedRun,
} from '../../src/domain/ledger.ts';
import { LEDGER_MISMATCH } from '../../src/domain/maintenance.ts';
import { gatewaySessionKey } from '../../src/domain/names.ts';
import type { OpenAttempt } from '../../src/db/attempt-record.ts';
import type { MaintenanceDeps } from './sweep.ts';

/** Gateways that a host holds and that can be asked. */
export async function gatewaysToAsk({ db }: MaintenanceDeps): Promise<string[]> {
  const gateways = await listGateways(db);
  return gateways
    .filter(({ ownerHost, state }) => ownerHost !== null && ASKED.includes(state))
    .map(({ id }) => id);
}

const ASKED: readonly string[] = ['open', 'degraded', 'draining', 'drained', 'cordoned'];

/**
 * Compares what a gateway's owner reported with the rows of now. Differences that `seenBefore` names have lasted
 * for a whole round: they are listed for people. What to do about an open attempt is its host's to decide, by
 * looking; what is unaccounted for is counted as a foreign run by the gateway's owner.
 */
export async function compareWithRows(
  { db }: MaintenanceDeps,
  input: {
    readonly gatewayId: string;
    readonly reported: readonly ReportedRun[];
    readonly seenBefore: readonly string[];
  },
): Promise<{ readonly found: number; readonly suspects: readonly string[] }> {
  const { gatewayId, reported, seenBefore } = input;
  const installation = (await readInstallation(db)).id;
  const attempts = (await openAttempts(db, gatewayId)).map((row) => expected(row, installation));
  const differences = compareLedger({ installation, attempts, reported });
  let found = 0;
  for (const difference of differences) {
    if (!seenBefore.includes(differenceKey(gatewayId, difference))) continue;
    found += 1;
    await recordFinding(db, {
      kind: LEDGER_MISMATCH,
      subject: gatewayId,
      part: differenceKey(gatewayId, difference),
      detail: { ...difference },
      repaired: false,
    });
  }
  return { found, suspects: differences.map((one) => differenceKey(gatewayId, one)) };
}

function expected(attempt: OpenAttempt, installation: string): LedgerAttempt {
  return {
    attemptId: attempt.attemptId,
    sessionKey: gatewaySessionKey({
      agentId: attempt.agent,
      installation,
      taskId: attempt.taskId,
      session:
        attempt.sessionKey === null ? null : { tenant: attempt.tenant, key: attempt.sessionKey },
    }),
    runIds: [...attempt.runIds, ...attempt.recoveryRunIds],
    underWay: attempt.state === 'sending' || attempt.state === 'accepted',
  };
}
