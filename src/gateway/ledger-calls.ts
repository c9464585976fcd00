import { badAnswer } from './call-outcome.ts';
import { asList, asRecord, asText, isRecord, type JsonRecord } from './json-value.ts';
import { readLedgerRow } from './ledger.ts';

/** Reads one method of the gateway; the caller has validated the parameters. */
export type GatewayRead = (method: string, params: JsonRecord) => Promise<unknown>;

const TASKS_PAGE = 200;
const MAX_TASK_PAGES = 50;

/** All rows of the ledger that match, newest first. */
export async function readTasks(read: GatewayRead, filter: JsonRecord): Promise<unknown[]> {
  const tasks: unknown[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MAX_TASK_PAGES; page += 1) {
    const answer = await read('tasks.list', {
      ...filter,
      limit: TASKS_PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    if (!isRecord(answer) || !Array.isArray(answer['tasks']))
      throw badAnswer('tasks.list', 'a list of tasks');
    tasks.push(...asList(answer['tasks']));
    cursor = asText(answer['nextCursor']);
    if (cursor === null) break;
  }
  return tasks;
}

/**
 * Whether the gateway resumes an interrupted turn now, of whatever session: its ledger names the run, and the run's
 * session is busy. The ledger alone is not enough: a row that an earlier boot left behind may say `running` for
 * minutes.
 */
export async function resumesTurns(read: GatewayRead): Promise<boolean> {
  const tasks = await readTasks(read, { status: ['queued', 'running'] });
  for (const row of tasks.map(readLedgerRow)) {
    if (row?.isRecovery !== true || row.state !== 'running' || row.sessionKey === null) continue;
    if (await isBusy(read, row.sessionKey)) return true;
  }
  return false;
}

async function isBusy(read: GatewayRead, sessionKey: string): Promise<boolean> {
  const answer = await read('chat.history', { sessionKey, limit: 1 });
  if (!isRecord(answer)) throw badAnswer('chat.history', 'a history');
  return asRecord(answer['sessionInfo'])['hasActiveRun'] !== false;
}
