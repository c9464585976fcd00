import { asRecord, asText } from '../json-value.ts';
import type { DurableState, StoredSession, StoredTask } from './durable-state.ts';
import { cutRow, DEFAULT_DISPLAY_CHARS, displayRow } from './row-display.ts';
import type { RunEngine } from './run-engine.ts';

/** What the read methods show of durable state and live runs, in the shapes of 2026.9.6. */
export interface ViewSource {
  readonly state: DurableState;
  readonly engine: RunEngine;
  readonly nowMs: number;
}

const DEFAULT_HISTORY_ROWS = 200;

export function historyView(
  source: ViewSource,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const sessionKey = String(params['sessionKey']);
  const session = source.state.session(sessionKey.toLowerCase());
  const rows = session?.rows ?? [];
  const limit = Number(params['limit'] ?? DEFAULT_HISTORY_ROWS);
  const offset = Number(params['offset'] ?? 0);
  const maxChars = Number(params['maxChars'] ?? DEFAULT_DISPLAY_CHARS);
  const end = Math.max(0, rows.length - offset);
  const start = Math.max(0, end - limit);
  const asked = Array.isArray(params['inputRunIds']) ? new Set(params['inputRunIds']) : new Set();
  const executing = source.engine
    .liveRuns(sessionKey.toLowerCase())
    .find((run) => run.phase === 'executing');
  return {
    sessionKey,
    ...(session === null ? {} : { sessionId: session.sessionId }),
    messages: rows.slice(start, end).map((row) => displayRow(row, maxChars)),
    pendingInputs: { items: session?.pending ?? [], total: session?.pending.length ?? 0 },
    inputReceipts: (session?.pending ?? [])
      .filter((item) => asked.has(item.runId))
      .map((item) => ({ runId: item.runId, state: 'pending' })),
    inputConsumptions: [],
    ...(offset > 0 ? { offset } : {}),
    ...(start > 0 ? { nextOffset: offset + limit } : {}),
    hasMore: start > 0,
    totalMessages: rows.length,
    ...(executing === undefined
      ? {}
      : {
          inFlightRun: {
            runId: executing.runId,
            text: '',
            startedAt: executing.startedAt,
            sessionAbortable: true,
          },
        }),
    sessionInfo: sessionInfo(source, sessionKey.toLowerCase(), session),
  };
}

/** One row of a session, in full up to the asked length. */
export function messageView(
  source: ViewSource,
  params: Readonly<Record<string, unknown>>,
): unknown {
  const session = source.state.session(String(params['sessionKey']).toLowerCase());
  const row = session?.rows.find(
    (item) => asRecord(item['__openclaw'])['id'] === params['messageId'],
  );
  if (row === undefined) return { ok: false, unavailableReason: 'not_found' };
  return { ok: true, message: cutRow(row, Number(params['maxChars'] ?? DEFAULT_DISPLAY_CHARS)) };
}

/** `activeRunIds` is only told of a session at rest; while it works, the gateway says `hasActiveRun`. */
function sessionInfo(
  source: ViewSource,
  key: string,
  session: StoredSession | null,
): Record<string, unknown> {
  const live = source.engine.liveRuns(key);
  const active = live.length > 0;
  const executing = live.some((run) => run.phase === 'executing');
  const status = active ? (executing ? 'running' : 'queued') : session?.status;
  return {
    key,
    kind: 'direct',
    agentId: agentOf(key),
    ...(session === null ? {} : stored(session)),
    ...(status === null || status === undefined ? {} : { status }),
    hasActiveRun: active,
    ...(active ? {} : { activeRunIds: [] }),
    snapshotAt: source.nowMs,
  };
}

export function describeView(source: ViewSource, key: string): Record<string, unknown> {
  const session = source.state.session(key.toLowerCase());
  if (session === null) return { session: null };
  return {
    session: {
      key: session.key,
      kind: 'direct',
      agentId: session.agentId,
      ...stored(session),
      ...(session.status === null ? {} : { status: session.status }),
    },
  };
}

export function sessionsView(
  source: ViewSource,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const limit = Number(params['limit'] ?? 100);
  const offset = Number(params['offset'] ?? 0);
  const all = [...source.state.sessions()].sort((left, right) => right.updatedAt - left.updatedAt);
  const page = all.slice(offset, offset + limit);
  return {
    ts: source.nowMs,
    count: page.length,
    totalCount: all.length,
    limitApplied: limit,
    hasMore: offset + limit < all.length,
    nextOffset: offset + limit < all.length ? offset + limit : null,
    sessions: page.map((session) => sessionInfo(source, session.key, session)),
  };
}

export function tasksView(
  source: ViewSource,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const wanted = params['status'];
  const statuses = wanted === undefined ? null : new Set([wanted].flat());
  const limit = Number(params['limit'] ?? 100);
  const offset = Number(params['cursor'] ?? 0);
  const sessionKey = asText(params['sessionKey']) ?? undefined;
  const all = source.state
    .tasks(sessionKey)
    .filter((task) => statuses === null || statuses.has(task.status));
  return {
    tasks: all.slice(offset, offset + limit).map(taskView),
    ...(offset + limit < all.length ? { nextCursor: String(offset + limit) } : {}),
  };
}

export function taskView(task: StoredTask): Record<string, unknown> {
  const { error, execution, endedAt, ...fields } = task;
  return {
    ...fields,
    id: task.taskId,
    kind: 'cli',
    runtime: 'cli',
    execution: { state: execution },
    childSessionKey: task.sessionKey,
    ownerKey: task.sessionKey,
    sourceId: task.runId,
    deliveryStatus: 'not_applicable',
    ...(endedAt === null ? {} : { endedAt, terminalSummary: error ?? 'completed' }),
    ...(error === null ? {} : { error }),
  };
}

export function agentOf(key: string): string {
  return key.split(':')[1] ?? 'main';
}

function stored(session: StoredSession): Record<string, unknown> {
  return {
    sessionId: session.sessionId,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    abortedLastRun: session.abortedLastRun,
    ...(session.lastRunId === null ? {} : { lastRunId: session.lastRunId }),
    ...(session.lastRunError === null ? {} : { lastRunError: session.lastRunError }),
  };
}
