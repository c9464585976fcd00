import { asList, asRecord, isRecord } from '../json-value.ts';
import type { StoredRow } from './durable-state.ts';

/** What a history shows of a text unless it is asked for more. */
export const DEFAULT_DISPLAY_CHARS = 8000;
const MAX_ROW_BYTES = 131_072;
const CUT_MARK = '\n...(truncated)...';
const PLACEHOLDER = '[chat.history omitted: message too large]';

/**
 * A row as a history shows it: long texts are cut, and a row that is still over 128 KiB loses everything but its
 * place (its run id too).
 */
export function displayRow(row: StoredRow, maxChars: number): StoredRow {
  const cut = cutRow(row, maxChars);
  return Buffer.byteLength(JSON.stringify(cut)) <= MAX_ROW_BYTES ? cut : placeholder(row);
}

export function cutRow(row: StoredRow, maxChars: number): StoredRow {
  const content = row['content'];
  const parts = typeof content === 'string' ? [content] : asList(content).map(textOfPart);
  if (parts.every((text) => text === null || text.length <= maxChars)) return row;
  const cut = (text: string): string =>
    text.length <= maxChars ? text : `${text.slice(0, maxChars)}${CUT_MARK}`;
  return {
    ...row,
    content:
      typeof content === 'string'
        ? cut(content)
        : asList(content).map((part) => {
            const text = textOfPart(part);
            return text === null ? part : { ...asRecord(part), text: cut(text) };
          }),
    __openclaw: { ...asRecord(row['__openclaw']), truncated: true, reason: 'display-cap' },
  };
}

function textOfPart(part: unknown): string | null {
  const text = isRecord(part) ? part['text'] : null;
  return typeof text === 'string' ? text : null;
}

function placeholder(row: StoredRow): StoredRow {
  const { id, seq, idempotencyKey } = asRecord(row['__openclaw']);
  return {
    role: row['role'],
    timestamp: row['timestamp'],
    content: [{ type: 'text', text: PLACEHOLDER }],
    __openclaw: {
      id,
      seq,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      truncated: true,
      reason: 'oversized',
    },
  };
}
