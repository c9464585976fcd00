import { join } from 'node:path';
import type { DashConfig } from '../../src/config/load.ts';
import { openDataDir } from '../../src/local/data-dir.ts';
import { createProgress } from '../../src/local/progress.ts';
import { createLifecycle } from '../../src/platform/lifecycle.ts';
import { createLogger, logFile } from '../../src/platform/logger.ts';
import type { CliContext } from '../context.ts';
import type { UpContext } from './up-context.ts';

/** One start of `dashctl up`, from taking the data directory to giving it back. */
export interface Launch {
  readonly up: UpContext;
  /** Rejects when something that everything else needs has ended by itself. */
  readonly failed: Promise<never>;
  /** Ends everything in order, what was started last first, and says so. Never rejects. */
  end(): Promise<void>;
}

/** After the hand-over: gateways 10 s, Temporal and PostgreSQL 10 s each, and some air. */
const REST_WITHIN_MS = 45_000;

/** Takes the data directory (a LocalError says who has it) and prepares log, progress and the order of ends. */
export async function beginLaunch(config: DashConfig, context: CliContext): Promise<Launch> {
  const { clock, output } = context;
  const dataDir = await openDataDir({ path: config.dataDir });
  const log = createLogger({
    level: config.logLevel,
    name: 'dash',
    destination: logFile(join(dataDir.path, 'logs', 'dash.log')),
  });
  const stream = output.json ? context.stderr : context.stdout;
  const color = context.colorful && stream.isTTY === true;
  const progress = createProgress({ stream, clock, color });
  const lifecycle = createLifecycle({
    log,
    clock,
    deadlineMs: config.host.handOverGraceMs + REST_WITHIN_MS,
  });
  const failure = Promise.withResolvers<never>();
  let tell = (_what: string): void => undefined;
  const onEnd: UpContext['onEnd'] = (what, end, options) => {
    const told = (): Promise<void> | void => {
      tell(what);
      return end();
    };
    lifecycle.onEnd(what, told, options);
  };
  onEnd('the data directory', () => dataDir.release());
  return {
    failed: failure.promise,
    up: {
      config,
      dataDir,
      env: { ...context.env },
      clock,
      log,
      progress,
      ending: lifecycle.ending,
      onEnd,
      fail: failure.reject,
    },
    end: async () => {
      const step = progress.step('Ending (Ctrl-C again ends at once)');
      tell = (what) => step.note(what);
      const { failed, late } = await lifecycle.end('dashctl up ends');
      const left = [...failed, ...late];
      if (left.length === 0) step.done('Everything has ended');
      else step.fail(`Ended, but not in order: ${left.join(', ')} (logs/dash.log says more)`);
    },
  };
}
