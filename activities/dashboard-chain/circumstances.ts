import type { ChainRecord } from '../../src/db/chain-store.ts';
import type { Circumstances } from '../../src/domain/dashboard-chain/diagnose.ts';

/** What rows say about a chain that a probe cannot see. */
export function circumstancesOf(record: ChainRecord, nowMs: number): Circumstances {
  const { state, stateChangedAt } = record.gateway;
  const isStarting = state === 'starting' || state === 'reconciling';
  return {
    planned: plannedWords(record),
    startedMsAgo: isStarting ? Math.max(0, nowMs - Date.parse(stateChangedAt)) : null,
    placedOrigins: record.placedOrigins,
    pinnedFingerprint: record.settings.pinnedFingerprint,
  };
}

export function plannedWords({ pause, gateway }: ChainRecord): string | null {
  if (pause !== null) {
    const until = pause.until === null ? '' : ` until ${pause.until}`;
    const reason = pause.reason === '' ? '' : `: ${pause.reason}`;
    return `${pause.by} paused it${until}${reason}`;
  }
  const { state, desiredState } = gateway;
  if (desiredState === 'stopped') return 'an operator stopped the gateway';
  if (desiredState === 'drained') return 'an operator drained the gateway';
  return state === 'draining' || state === 'stopping' ? 'the gateway is being restarted' : null;
}
