import { pino, type Bindings, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { prettyLines } from './pretty-log.ts';
import { redactDeep, redactText } from './redact.ts';

/** One line: fields and a message, or a message alone, or an error. */
export interface LogLine {
  (fields: object, message?: string): void;
  (message: string): void;
}

/**
 * Structured logs: one JSON object per line, times in ISO 8601, secrets taken out at any depth
 * (redact.ts). Hand loggers down and narrow them with `log.child({ taskId, gatewayId, … })`, so that
 * one correlation id finds every line about a request.
 */
export interface Logger {
  readonly level: string;
  readonly trace: LogLine;
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
  readonly fatal: LogLine;
  /** A logger that adds these fields to each of its lines. */
  child(fields: object): Logger;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where lines go: anything with `write`, such as `logFile(path)` or an array in a test. */
export type LogDestination = DestinationStream;

/**
 * Makes the logger of a process. Without a destination it writes to standard output: JSON, or
 * readable lines when that is a terminal. Writing is synchronous: what was logged before a crash is
 * on disk.
 */
export function createLogger(options: {
  level: LogLevel;
  name: string;
  destination?: LogDestination;
}): Logger {
  const log = pino(
    {
      level: options.level,
      base: { name: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redactDeep(fields) as Record<string, unknown>,
      },
      // redactDeep has made errors plain already; pino's own serializer would not know them as such.
      serializers: { err: (value: unknown) => value },
      hooks: { logMethod },
    },
    options.destination ?? standardOutput(),
  );
  // pino formats the fields of a line, not those of a child; children inherit this method.
  const plainChild = Reflect.get(log, 'child') as unknown as (fields: Bindings) => PinoLogger;
  Object.defineProperty(log, 'child', {
    value(this: PinoLogger, fields: object): PinoLogger {
      return plainChild.call(this, redactDeep(fields) as Bindings);
    },
  });
  return log;
}

/** A log file, created with its directory and appended to; readable by its owner only. */
export function logFile(path: string): LogDestination {
  return pino.destination({ dest: path, append: true, mkdir: true, sync: true, mode: 0o600 });
}

/** `log.error(error)` and texts with secrets in them take the same way as fields. */
function logMethod(
  this: PinoLogger,
  args: Parameters<PinoLogger['info']>,
  method: PinoLogger['info'],
): void {
  const [first, ...rest] = args as unknown[];
  const fields = first instanceof Error ? { err: first } : first;
  const shown = [fields, ...rest].map((arg) => (typeof arg === 'string' ? redactText(arg) : arg));
  if (first instanceof Error && rest.length === 0) shown.push(redactText(first.message));
  method.apply(this, shown as Parameters<PinoLogger['info']>);
}

function standardOutput(): LogDestination {
  return process.stdout.isTTY
    ? prettyLines(process.stdout)
    : pino.destination({ dest: 1, sync: true });
}
