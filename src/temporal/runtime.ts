import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';

/** The part of a logger that Temporal's messages go to; a pino logger fits. */
export interface RuntimeLog {
  debug(detail: object, message: string): void;
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/**
 * Prepares this process for Workers: Temporal's own messages go to the process's log, and signals stay the process's
 * own. Once per process, before the first connection; a second call throws.
 */
export function installTemporalRuntime(log: RuntimeLog): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      log[methodFor(level)](meta ?? {}, message);
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    shutdownSignals: [],
  });
}

/** A Worker that opens or closes is everyday business here: each held gateway has two. */
function methodFor(level: LogLevel): keyof RuntimeLog {
  switch (level) {
    case 'TRACE':
    case 'DEBUG':
    case 'INFO':
      return 'debug';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
  }
}
