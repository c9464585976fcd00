import type { GatewayIdentity, Look, LookSeen } from '../domain/look.ts';
import { badAnswer, refusalReason } from './call-outcome.ts';
import type { LookQuery } from './connection.ts';
import { GatewayCallError } from './gateway-call-error.ts';
import { asList, asNumber, isRecord, type JsonRecord } from './json-value.ts';
import { readTasks, resumesTurns, type GatewayRead } from './ledger-calls.ts';
import { isFinalAnswer, readLook, standsStill, type RawLook } from './read-look.ts';
import { readRow, rowId } from './transcript.ts';

const PAGE_ROWS = 200;
/** The protocol takes at most this many run ids per question; the latest ones decide. */
const MAX_INPUT_RUN_IDS = 50;
const DEFAULT_RETRY_MS = 1000;
/** The most that a gateway shows of one message; a longer answer stays cut. */
const MAX_MESSAGE_CHARS = 2_000_000;

/** What a look needs to know of the connection that it is taken over, and tells it. */
export interface LookedOver {
  identify(): Promise<GatewayIdentity>;
  /** The gateway resumes an interrupted turn now, of whatever session. */
  sawRecovery(): void;
}

/**
 * Looks at a session: ledger first, history second, so that what the ledger calls finished is already in the
 * history. Pages back until every own run's user row is found or the session is read whole. Where an own turn stands
 * still, the look also says whether the gateway resumes another one.
 */
export async function fetchLook(
  read: GatewayRead,
  connection: LookedOver,
  query: LookQuery,
): Promise<Look> {
  try {
    const gateway = await connection.identify();
    const sessionKey = query.sessionKey.toLowerCase();
    const tasks = await readTasks(read, { sessionKey });
    const { history, messages } = await readHistory(read, sessionKey, query.runIds);
    const raw: RawLook = { gateway, runIds: query.runIds, tasks, history, messages };
    const look = readLook(raw);
    if (standsStill(look) && (await resumesTurns(read))) {
      connection.sawRecovery();
      return { ...look, gateway: { ...gateway, noRecoveryForMs: 0 } };
    }
    const whole = await withWholeAnswers(read, sessionKey, raw, look);
    return whole === raw ? look : readLook(whole);
  } catch (error) {
    if (!(error instanceof GatewayCallError) || error.code !== 'UNAVAILABLE') throw error;
    // Also without the gateway's word that a repetition helps: its own maintenance can lock it out of its state for
    // a moment, and a look changes nothing.
    const reason = refusalReason(error) ?? 'busy';
    return { kind: 'refused', reason, retryAfterMs: error.retryAfterMs ?? DEFAULT_RETRY_MS };
  }
}

/**
 * The history cuts long texts (at 8 000 characters; asked for more, it drops the names of rows over 128 KiB), so the
 * rows that answers are taken from are read one by one when they are cut.
 */
async function withWholeAnswers(
  read: GatewayRead,
  sessionKey: string,
  raw: RawLook,
  look: LookSeen,
): Promise<RawLook> {
  const answered = new Set(
    [...look.own, ...look.recoveries].flatMap(({ runId, answer }) =>
      answer === null ? [] : [runId],
    ),
  );
  let isWhole = true;
  const messages: unknown[] = [];
  for (const message of raw.messages) {
    const row = readRow(message);
    const id = rowId(message);
    const isWanted =
      row.isCut &&
      id !== null &&
      row.runId !== null &&
      answered.has(row.runId) &&
      isFinalAnswer(row);
    const full = isWanted ? await readMessage(read, sessionKey, id) : null;
    if (full !== null) isWhole = false;
    messages.push(full ?? message);
  }
  return isWhole ? raw : { ...raw, messages };
}

/** One row in full, or null when the gateway cannot show it. */
async function readMessage(
  read: GatewayRead,
  sessionKey: string,
  messageId: string,
): Promise<unknown> {
  const params = { sessionKey, messageId, maxChars: MAX_MESSAGE_CHARS };
  const answer = await read('chat.message.get', params);
  if (!isRecord(answer)) throw badAnswer('chat.message.get', 'a message');
  return isRecord(answer['message']) ? answer['message'] : null;
}

async function readHistory(
  read: GatewayRead,
  sessionKey: string,
  runIds: readonly string[],
): Promise<{ history: unknown; messages: unknown[] }> {
  const inputRunIds = [...new Set(runIds)].slice(-MAX_INPUT_RUN_IDS);
  const first = await readPage(read, {
    sessionKey,
    limit: PAGE_ROWS,
    ...(inputRunIds.length === 0 ? {} : { inputRunIds }),
  });
  let messages = asList(first['messages']);
  let page = first;
  while (page['hasMore'] === true && !hasAllInputs(messages, runIds)) {
    const offset = asNumber(page['nextOffset']);
    if (offset === null || offset <= 0) break;
    page = await readPage(read, { sessionKey, limit: PAGE_ROWS, offset });
    const older = asList(page['messages']);
    if (older.length === 0) break;
    messages = [...older, ...messages];
  }
  return { history: first, messages: withoutDoubles(messages) };
}

async function readPage(read: GatewayRead, params: JsonRecord): Promise<JsonRecord> {
  const answer = await read('chat.history', params);
  if (!isRecord(answer) || !Array.isArray(answer['messages'])) {
    throw badAnswer('chat.history', 'a list of messages');
  }
  return answer;
}

/** Every own run's input is among these rows: nothing older can belong to the attempt. */
function hasAllInputs(messages: readonly unknown[], runIds: readonly string[]): boolean {
  const inputs = new Set(
    messages.map(readRow).flatMap((row) => (row.role === 'user' ? [row.runId] : [])),
  );
  return runIds.every((runId) => inputs.has(runId));
}

/** Rows written between two page reads shift the pages, so that a row can come twice. */
function withoutDoubles(messages: readonly unknown[]): unknown[] {
  const seen = new Set<string>();
  return messages.filter((message) => {
    const id = rowId(message);
    if (id === null) return true;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}
