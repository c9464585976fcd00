import type { StoredRow } from './durable-state.ts';

export const FAKE_PROVIDER = 'fake';
export const FAKE_MODEL = 'fake-1';

const ZERO_USAGE = {
  input: 0,
  output: 0,
  totalTokens: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
} as const;

interface RowPlace {
  readonly seq: number;
  readonly atMs: number;
}

/** The rows of a transcript in the shapes of 2026.9.6, reduced to the fields that Dash or a person reads. */
export function userRow(runId: string, message: string, place: RowPlace): StoredRow {
  const idempotencyKey = `${runId}:user`;
  return {
    role: 'user',
    content: message,
    timestamp: place.atMs,
    idempotencyKey,
    __openclaw: { senderIsOwner: true, ...meta(place), idempotencyKey },
  };
}

export function assistantRow(
  runId: string,
  text: string,
  usage: Readonly<Record<string, unknown>>,
  place: RowPlace,
): StoredRow {
  return {
    ...spoken(text, place),
    usage,
    stopReason: 'stop',
    __openclaw: { runId, ...meta(place) },
  };
}

/** A model call that asks for a tool: its usage counts, the turn goes on behind it. */
export function toolCallRow(
  runId: string,
  usage: Readonly<Record<string, unknown>>,
  place: RowPlace,
): StoredRow {
  return {
    ...spoken('', place),
    content: [{ type: 'toolCall', id: `call-${place.seq}`, name: 'session_status', arguments: {} }],
    usage,
    stopReason: 'toolUse',
    __openclaw: { runId, ...meta(place) },
  };
}

export function terminalErrorRow(runId: string, text: string, place: RowPlace): StoredRow {
  const idempotencyKey = `${runId}:terminal-error`;
  return {
    ...spoken(text, place),
    usage: ZERO_USAGE,
    stopReason: 'error',
    idempotencyKey,
    __openclaw: { runId, ...meta(place), idempotencyKey },
  };
}

export function timedOutRow(runId: string, place: RowPlace): StoredRow {
  return {
    ...spoken('', place),
    usage: ZERO_USAGE,
    stopReason: 'aborted',
    errorMessage: 'request timed out',
    __openclaw: { runId, ...meta(place) },
  };
}

export function failedBeforeReplyRow(runId: string, text: string, place: RowPlace): StoredRow {
  return {
    role: 'custom',
    customType: 'run-failed-before-reply',
    content: text,
    display: true,
    timestamp: place.atMs,
    __openclaw: { ...meta(place), runId },
  };
}

/** Deterministic counts, so that usage and budgets can be asserted: words stand for tokens. */
export function usageOf(prompt: string, text: string): Record<string, unknown> {
  const input = words(prompt) + 100;
  const output = words(text);
  const cost = { input: input / 1e6, output: (2 * output) / 1e6, cacheRead: 0, cacheWrite: 0 };
  return {
    input,
    output,
    totalTokens: input + output,
    cacheRead: 0,
    cacheWrite: 0,
    cost: { ...cost, total: cost.input + cost.output },
  };
}

function spoken(text: string, place: RowPlace): Record<string, unknown> {
  return {
    role: 'assistant',
    content: [{ type: 'text', text }],
    api: 'openai-completions',
    provider: FAKE_PROVIDER,
    model: FAKE_MODEL,
    timestamp: place.atMs,
  };
}

function meta(place: RowPlace): Record<string, unknown> {
  return { id: crypto.randomUUID(), recordTimestampMs: place.atMs, seq: place.seq };
}

function words(text: string): number {
  return Math.max(1, text.split(/\s+/).filter((word) => word !== '').length);
}
