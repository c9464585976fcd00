import { badAnswer } from './call-outcome.ts';
import type { ExecutingRun, GatewayHealth, LaneLoad, ProcessTarget } from './connection.ts';
import { readTasks, type GatewayRead } from './ledger-calls.ts';
import { asList, asNumber, asRecord, asText, asTexts, isRecord } from './json-value.ts';
import { readLedgerRow } from './ledger.ts';

/** The lane of the gateway in which `agent` and recovery runs execute. */
const RUN_LANE = 'main';
const SESSIONS_PAGE = 200;

export async function readLanes(read: GatewayRead): Promise<LaneLoad> {
  const answer = asRecord(await read('diagnostics.lanes', {}));
  const lane = asList(answer['lanes'])
    .map(asRecord)
    .find((item) => item['lane'] === RUN_LANE);
  if (lane === undefined) throw badAnswer('diagnostics.lanes', `the lane ${RUN_LANE}`);
  return {
    active: asNumber(lane['activeCount']) ?? 0,
    queued: asNumber(lane['queuedCount']) ?? 0,
    max: asNumber(lane['maxConcurrent']),
  };
}

export async function readHealth(read: GatewayRead): Promise<GatewayHealth> {
  const answer = await read('health', {});
  if (!isRecord(answer)) throw badAnswer('health', 'a report');
  const loop = asRecord(answer['eventLoop']);
  const reasons = asTexts(loop['reasons']);
  return {
    ok: answer['ok'] === true,
    degraded: loop['degraded'] === true && reasons.length === 0 ? ['event loop'] : reasons,
    eventLoopDelayP99Ms: asNumber(loop['delayP99Ms']),
    eventLoopUtilization: asNumber(loop['utilization']),
  };
}

export async function readSystemInfo(
  read: GatewayRead,
): Promise<ProcessTarget & { readonly uptimeMs: number | null }> {
  const answer = asRecord(await read('system.info', {}));
  const pid = asNumber(answer['pid']);
  const processInstanceId = asText(answer['processInstanceId']);
  if (pid === null || processInstanceId === null) throw badAnswer('system.info', 'the process');
  return { pid, processInstanceId, uptimeMs: asNumber(answer['uptimeMs']) };
}

/**
 * Every run that executes or waits in the gateway. The ledger names `agent` and recovery runs; what a person
 * started by chatting is only visible as a busy session and has no run id here.
 */
export async function readExecuting(read: GatewayRead): Promise<ExecutingRun[]> {
  const tasks = await readTasks(read, { status: ['queued', 'running'] });
  const answer = await read('sessions.list', { limit: SESSIONS_PAGE, sortBy: 'updatedAt' });
  if (!isRecord(answer) || !Array.isArray(answer['sessions'])) {
    throw badAnswer('sessions.list', 'a list of sessions');
  }
  const active = new Map<string, boolean>();
  for (const item of asList(answer['sessions']).map(asRecord)) {
    const key = asText(item['key']);
    if (key !== null) active.set(key, item['hasActiveRun'] === true);
  }
  const runs: ExecutingRun[] = [];
  for (const row of tasks.map(readLedgerRow)) {
    const idle = row?.sessionKey !== null && active.get(row?.sessionKey ?? '') === false;
    if (row === null || row.sessionKey === null || row.state !== 'running' || idle) continue;
    runs.push({ sessionKey: row.sessionKey, runId: row.runId });
  }
  const named = new Set(runs.map(({ sessionKey }) => sessionKey));
  for (const [sessionKey, busy] of active) {
    if (busy && !named.has(sessionKey)) runs.push({ sessionKey, runId: null });
  }
  return runs;
}
