/**
 * The two streams of a command. stdout carries results and nothing else: with `--json` nothing but
 * JSON, one document (or one per line where a command streams); stderr carries everything said to
 * people on the way: notes, progress, errors.
 */
import { styleText } from 'node:util';
import type { ErrorDetail } from '../cli-error.ts';
import { renderFields, renderTable, type Column } from './table.ts';
import { harmless } from './text.ts';

/** The part of a writable stream that commands need. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Output {
  readonly json: boolean;
  /** A person sits in front of stdout (and did not ask for JSON). */
  readonly isInteractive: boolean;
  /** The command's result: `value` with --json, what `human` prints otherwise. Once per command. */
  result(value: unknown, human: (print: Print) => void): void;
  /** One of many results of a streaming command: one line each, JSON with --json. */
  item(value: unknown, human: (print: Print) => void): void;
  /** A remark for people, on stderr. */
  note(text: string): void;
  /** An error for people or, with --json, for programs; on stderr. */
  error(problem: Problem): void;
}

/** What a command may print on stdout for people. */
export interface Print {
  line(text?: string): void;
  /** Text that others wrote, made harmless, its line breaks kept. */
  foreign(text: string): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  fields(fields: readonly (readonly [string, string | number | null | undefined])[]): void;
  paint(style: Style, text: string): string;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: readonly ErrorDetail[];
  readonly requestId?: string | undefined;
}

/** `color` is whether colour is wanted at all (NO_COLOR, --no-color); only terminals ever get it. */
export function createOutput(options: {
  stdout: OutputStream;
  stderr: OutputStream;
  json: boolean;
  color: boolean;
}): Output {
  const { stdout, stderr, json } = options;
  const print = createPrint(stdout, options.color);
  const paintError = painter(stderr, options.color);
  const sayJson = (stream: OutputStream, value: unknown, indent?: number): void =>
    void stream.write(`${JSON.stringify(value, null, indent)}\n`);

  return {
    json,
    isInteractive: stdout.isTTY === true && !json,
    result: (value, human) => (json ? sayJson(stdout, value, 2) : human(print)),
    item: (value, human) => (json ? sayJson(stdout, value) : human(print)),
    note: (text) => void stderr.write(`${harmless(text, { keepLines: true })}\n`),
    error(problem) {
      if (json) return sayJson(stderr, { error: problem });
      const lines = [
        `${paintError('red', 'error')}: ${harmless(problem.message, { keepLines: true })}`,
      ];
      for (const { where, message } of problem.details ?? []) {
        lines.push(`  ${harmless(where)}: ${harmless(message)}`);
      }
      if (problem.hint !== undefined) lines.push(harmless(problem.hint, { keepLines: true }));
      if (problem.requestId !== undefined)
        lines.push(paintError('dim', `request ${problem.requestId}`));
      stderr.write(`${lines.join('\n')}\n`);
    },
  };
}

function createPrint(stream: OutputStream, color: boolean): Print {
  const line = (text = ''): void => void stream.write(`${text}\n`);
  return {
    line,
    foreign: (text) => line(harmless(text, { keepLines: true })),
    table: (columns, rows) => {
      const width = stream.isTTY === true ? stream.columns : undefined;
      for (const text of renderTable({ columns, rows, width })) line(text);
    },
    fields: (fields) => {
      for (const text of renderFields(fields)) line(text);
    },
    paint: painter(stream, color),
  };
}

function painter(stream: OutputStream, color: boolean): (style: Style, text: string) => string {
  if (!color || stream.isTTY !== true) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
