import { styleText } from 'node:util';
import type { DestinationStream } from 'pino';

const COLORS = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
} as const;

/**
 * Log lines for a person at a terminal: `12:30:05.123 warn  api  the message  taskId=… ms=12`. Takes
 * the same JSON lines that a file would get; colours only where the stream wants them.
 */
export function prettyLines(stream: NodeJS.WritableStream): DestinationStream {
  return { write: (line) => void stream.write(`${prettyLine(line, stream)}\n`) };
}

function prettyLine(line: string, stream: NodeJS.WritableStream): string {
  const {
    level,
    time,
    name,
    pid: _pid,
    msg,
    ...fields
  } = JSON.parse(line) as Record<string, unknown>;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    styleText(style, text, { stream });
  const label = String(level);
  const color = Object.entries(COLORS).find(([known]) => known === label)?.[1] ?? 'dim';
  const details = Object.entries(fields).map(([key, value]) =>
    paint('dim', `${key}=${shown(value)}`),
  );
  return [
    paint('dim', String(time).slice(11, 23)),
    paint(color, label.padEnd(5)),
    paint('dim', String(name)),
    typeof msg === 'string' ? msg : '',
    ...details,
  ].join('  ');
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"]+$/.test(value)) return value;
  const error = value as { stack?: unknown } | null;
  return typeof error?.stack === 'string' ? `\n${error.stack}\n` : JSON.stringify(value);
}
