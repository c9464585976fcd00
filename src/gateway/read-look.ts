import { addUsage } from '../domain/budget.ts';
import type { RunFailure, Usage } from '../domain/failure.ts';
import type { GatewayIdentity, LookSeen, OwnRun, RecoveryRun } from '../domain/look.ts';
import { classifyFailure } from './classify-failure.ts';
import { asList, asRecord, asText, asTexts, type JsonRecord } from './json-value.ts';
import { readLedgerRow, type LedgerRow } from './ledger.ts';
import { readRow, RECOVERY_PREFIX, textOf, type TranscriptRow } from './transcript.ts';

/** Stands in `foreignRunIds` for a run that the gateway executes in the session without naming it. */
export const UNATTRIBUTED_RUN = 'unattributed';

/** What a gateway sent about one session, unread. `tasks` was asked for before `history`. */
export interface RawLook {
  readonly gateway: GatewayIdentity;
  /** The attempt's own run ids, in the order of sending. */
  readonly runIds: readonly string[];
  /** Rows of `tasks.list`, newest first. */
  readonly tasks: readonly unknown[];
  /** Rows of `chat.history`, oldest first, all pages. */
  readonly messages: readonly unknown[];
  /** `pendingInputs`, `inFlightRun`, `sessionInfo`, `sessionId` of the newest page. */
  readonly history: unknown;
}

/**
 * Reduces what a gateway shows to what P22 decides by. Pure and total: whatever the frames hold, it answers, and
 * a field it cannot read counts as absent.
 *
 * Three traps it takes care of, each seen on a real gateway: a finished answer outweighs the error row that a
 * repeated key appends behind it; a run that failed before its turn began leaves an `interrupted` input that must
 * not be resent; the ledger may still say `running` after the session has come to rest.
 */
export function readLook(raw: RawLook): LookSeen {
  const session = readSession(raw);
  const own = raw.runIds.map((runId) => readOwnRun(session, runId));
  const recoveries = readRecoveries(session, new Set(raw.runIds));
  const known = new Set([...raw.runIds, ...recoveries.map(({ runId }) => runId)]);
  return {
    kind: 'seen',
    gateway: raw.gateway,
    own,
    recoveries,
    foreignRunIds: readForeign(session, known),
    sessionStatus: session.status,
  };
}

/** Whether an own turn began and neither executes nor has ended, as far as this look shows. */
export function standsStill({ own, recoveries }: LookSeen): boolean {
  const began = own.some((run) => run.endedByRestart || (run.userRow && run.failure === null));
  return began && ![...own, ...recoveries].some((run) => run.executing || run.answer !== null);
}

interface SessionView {
  readonly rows: readonly TranscriptRow[];
  readonly ledger: ReadonlyMap<string, LedgerRow>;
  readonly pending: readonly PendingInput[];
  /** Run ids that the session itself names as active. */
  readonly activeRunIds: ReadonlySet<string>;
  /** null: the gateway does not say. */
  readonly hasActiveRun: boolean | null;
  readonly status: string | null;
  readonly lastRunId: string | null;
  readonly lastRunError: string | null;
}

interface PendingInput {
  readonly runId: string;
  readonly state: string;
  readonly isRecoveryInput: boolean;
}

function readSession(raw: RawLook): SessionView {
  const history = asRecord(raw.history);
  const info = asRecord(history['sessionInfo']);
  const inFlight = asText(asRecord(history['inFlightRun'])['runId']);
  const ledger = new Map<string, LedgerRow>();
  for (const task of raw.tasks) {
    const row = readLedgerRow(task);
    if (row !== null && !ledger.has(row.runId)) ledger.set(row.runId, row);
  }
  const exists =
    asText(history['sessionId']) !== null || raw.messages.length > 0 || ledger.size > 0;
  return {
    rows: raw.messages.map(readRow),
    ledger,
    pending: asList(asRecord(history['pendingInputs'])['items']).flatMap(readPending),
    activeRunIds: new Set([
      ...(inFlight === null ? [] : [inFlight]),
      ...asTexts(info['activeRunIds']),
    ]),
    hasActiveRun: typeof info['hasActiveRun'] === 'boolean' ? info['hasActiveRun'] : null,
    status: asText(info['status']) ?? (exists ? 'idle' : null),
    lastRunId: asText(info['lastRunId']),
    lastRunError: asText(info['lastRunError']),
  };
}

function readPending(value: unknown): PendingInput[] {
  const item: JsonRecord = asRecord(value);
  const runId = asText(item['runId']);
  const state = asText(item['state']);
  if (runId === null || state === null) return [];
  const text = textOf(asRecord(item['message'])['content']);
  return [{ runId, state, isRecoveryInput: text.startsWith(RECOVERY_PREFIX) }];
}

function readOwnRun(session: SessionView, runId: string): OwnRun {
  const outcome = readOutcome(session, runId);
  const pending = session.pending.find((item) => item.runId === runId)?.state ?? null;
  const settled = outcome.answer !== null || outcome.failure !== null;
  const interrupted = pending === 'interrupted' && !outcome.executing && !settled;
  return {
    runId,
    ...outcome,
    userRow: session.rows.some((row) => row.role === 'user' && row.runId === runId),
    pendingInput: pending === 'queued' ? 'queued' : interrupted ? 'interrupted' : null,
    usage: usageOf(session, runId),
    endedByRestart: !settled && session.ledger.get(runId)?.state === 'interrupted',
  };
}

/** Over all model calls of a run that stand in the transcript: each writes its row when it ends. */
function usageOf(session: SessionView, runId: string): Usage | null {
  return session.rows
    .filter((row) => row.runId === runId && isSpoken(row))
    .reduce<Usage | null>((sum, row) => addUsage(sum, row.usage), null);
}

function isSpoken(row: TranscriptRow): boolean {
  return row.role === 'assistant' && !row.isFailureNotice;
}

type Outcome = Pick<OwnRun, 'executing' | 'answer' | 'failure'>;

function readOutcome(session: SessionView, runId: string): Outcome {
  const rows = session.rows.filter((row) => row.runId === runId && row.role !== 'user');
  const finished = rows.findLast(isFinalAnswer);
  const failed = rows.findLast((row) => row.isFailureNotice);
  const ledger = session.ledger.get(runId);
  if (isExecuting(session, runId, finished !== undefined || failed !== undefined)) {
    return { executing: true, answer: null, failure: null };
  }
  if (finished !== undefined || (ledger?.state === 'completed' && failed === undefined)) {
    const answer = answerOf(runId, rows, finished, usageOf(session, runId));
    return { executing: false, answer, failure: null };
  }
  return { executing: false, answer: null, failure: failureOf(session, runId, failed) };
}

function isExecuting(session: SessionView, runId: string, hasTerminalRow: boolean): boolean {
  if (session.activeRunIds.has(runId)) return true;
  if (session.pending.some((item) => item.runId === runId && item.state === 'queued')) return true;
  if (session.hasActiveRun === false) return false;
  const state = session.ledger.get(runId)?.state;
  return state === 'running' || (state === 'finishing' && !hasTerminalRow);
}

/** Whether the row ends its run well. */
export function isFinalAnswer(row: TranscriptRow): boolean {
  return (
    row.role === 'assistant' &&
    !row.isFailureNotice &&
    (row.stopReason === 'stop' || row.stopReason === 'length')
  );
}

function answerOf(
  runId: string,
  rows: readonly TranscriptRow[],
  finished: TranscriptRow | undefined,
  usage: Usage | null,
): OwnRun['answer'] {
  const last = finished ?? rows.filter(isSpoken).at(-1);
  return { runId, text: last?.text ?? '', usage, model: last?.model ?? null };
}

const MAX_MESSAGE_CHARS = 2000;

/** The run's bad end, or null when nothing says that it ended. */
function failureOf(
  session: SessionView,
  runId: string,
  failed: TranscriptRow | undefined,
): RunFailure | null {
  const ledger = session.ledger.get(runId);
  const ledgerEnd =
    ledger?.state === 'failed' || ledger?.state === 'timed-out' || ledger?.state === 'aborted';
  const isLast = session.lastRunId === runId;
  const sessionEnd = isLast && ['failed', 'killed', 'timeout'].includes(session.status ?? '');
  const cancelledInput = session.pending.some(
    (item) => item.runId === runId && item.state === 'cancelled',
  );
  if (failed === undefined && !ledgerEnd && !sessionEnd && !cancelledInput) return null;
  const texts = [
    ledgerEnd ? (ledger?.error ?? null) : null,
    isLast ? session.lastRunError : null,
    failed?.errorMessage ?? null,
    failed?.text ?? null,
  ];
  const message =
    texts.find((text) => text !== null && text !== '') ?? 'the run ended without a reason';
  const killed = sessionEnd && session.status === 'killed';
  return {
    runId,
    ...classifyFailure(texts),
    message: message.slice(0, MAX_MESSAGE_CHARS),
    aborted: ledger?.state === 'aborted' || cancelledInput || killed,
    timedOut: isOwnTimeout(session, ledger, sessionEnd, message),
  };
}

/** The ledger calls a lost provider connection `timed_out` too; only the run's own limit counts here. */
function isOwnTimeout(
  session: SessionView,
  ledger: LedgerRow | undefined,
  sessionEnd: boolean,
  message: string,
): boolean {
  if (sessionEnd && session.status === 'timeout') return true;
  return ledger?.state === 'timed-out' && /timed out/i.test(message);
}

/** Recovery inputs directly behind an own user row (or behind another recovery of it), oldest first. */
function readRecoveries(session: SessionView, ownRunIds: ReadonlySet<string>): RecoveryRun[] {
  const recoveries = new Map<string, string>();
  let owner: string | null = null;
  for (const row of session.rows) {
    if (row.role !== 'user') continue;
    if (!row.isRecoveryInput) owner = row.runId;
    else if (row.runId !== null && owner !== null && ownRunIds.has(owner))
      recoveries.set(row.runId, owner);
  }
  for (const item of session.pending) {
    const begins = item.isRecoveryInput && item.state === 'queued';
    if (begins && owner !== null && ownRunIds.has(owner)) recoveries.set(item.runId, owner);
  }
  return [...recoveries].map(([runId, ownRunId]) => ({
    runId,
    ownRunId,
    ...readOutcome(session, runId),
    usage: usageOf(session, runId),
  }));
}

function readForeign(session: SessionView, known: ReadonlySet<string>): string[] {
  const executing = new Set(session.activeRunIds);
  for (const item of session.pending) if (item.state === 'queued') executing.add(item.runId);
  if (session.hasActiveRun !== false) {
    for (const row of session.ledger.values())
      if (row.state === 'running') executing.add(row.runId);
  }
  if (executing.size === 0 && session.hasActiveRun === true) return [UNATTRIBUTED_RUN];
  return [...executing].filter((runId) => !known.has(runId));
}
