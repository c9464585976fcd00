import type { Usage } from '../domain/failure.ts';
import { asList, asNumber, asRecord, asText, type JsonRecord } from './json-value.ts';

/** Starts the input that a gateway gives itself when it resumes a turn that its own end had interrupted. */
export const RECOVERY_PREFIX = '[System] Your previous turn was interrupted by a gateway restart';

/** The suffix of the row that a gateway writes when a run ends without an answer. */
const TERMINAL_ERROR_SUFFIX = ':terminal-error';

/** The custom row of a run that failed before its turn began (unknown model, disabled key). */
const FAILED_BEFORE_REPLY = 'run-failed-before-reply';

const USER_SUFFIX = ':user';

/** One row of `chat.history`, reduced to what a look needs. */
export interface TranscriptRow {
  readonly role: string;
  readonly text: string;
  /** The run that wrote the row; of user rows the run that the input started. Null: the gateway does not say. */
  readonly runId: string | null;
  readonly isRecoveryInput: boolean;
  /** The gateway's own note that the run ended without an answer. */
  readonly isFailureNotice: boolean;
  readonly stopReason: string | null;
  readonly errorMessage: string | null;
  /** The history shows only the beginning of its text. */
  readonly isCut: boolean;
  readonly model: string | null;
  readonly usage: Usage | null;
}

export function readRow(value: unknown): TranscriptRow {
  const row = asRecord(value);
  const meta = asRecord(row['__openclaw']);
  const key = asText(row['idempotencyKey']) ?? asText(meta['idempotencyKey']);
  const role = asText(row['role']) ?? '';
  const text = textOf(row['content']);
  return {
    role,
    text,
    runId: role === 'user' ? inputRunId(key) : asText(meta['runId']),
    isRecoveryInput: role === 'user' && text.startsWith(RECOVERY_PREFIX),
    isFailureNotice:
      (key?.endsWith(TERMINAL_ERROR_SUFFIX) ?? false) ||
      (role === 'custom' && row['customType'] === FAILED_BEFORE_REPLY),
    stopReason: asText(row['stopReason']),
    errorMessage: asText(row['errorMessage']),
    isCut: meta['truncated'] === true,
    model: modelOf(row),
    usage: usageOf(row['usage']),
  };
}

/** The name of a row, the same on every page; null when the gateway gives none. */
export function rowId(value: unknown): string | null {
  const meta = asRecord(asRecord(value)['__openclaw']);
  return asText(meta['id']);
}

export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return asList(content)
    .map((part) => asRecord(part))
    .filter((part) => part['type'] === 'text' && typeof part['text'] === 'string')
    .map((part) => String(part['text']))
    .join('\n');
}

function inputRunId(key: string | null): string | null {
  return key?.endsWith(USER_SUFFIX) ? key.slice(0, -USER_SUFFIX.length) : null;
}

function modelOf(row: JsonRecord): string | null {
  const provider = asText(row['provider']);
  const model = asText(row['model']);
  if (model === null) return null;
  return provider === null ? model : `${provider}/${model}`;
}

function usageOf(value: unknown): Usage | null {
  const usage = asRecord(value);
  const total = asNumber(usage['totalTokens']) ?? asNumber(usage['total']);
  if (total === null) return null;
  return {
    inputTokens: asNumber(usage['input']) ?? 0,
    outputTokens: asNumber(usage['output']) ?? 0,
    totalTokens: total,
    costUsd: asNumber(asRecord(usage['cost'])['total']),
  };
}
