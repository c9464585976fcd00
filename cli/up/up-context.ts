import type { DashConfig } from '../../src/config/load.ts';
import type { DataDir } from '../../src/local/data-dir.ts';
import type { Progress } from '../../src/local/progress.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Logger } from '../../src/platform/logger.ts';

/** What every part of `dashctl up` works with. */
export interface UpContext {
  readonly config: DashConfig;
  readonly dataDir: DataDir;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Logger;
  readonly progress: Progress;
  /** Aborts when everything is to end: long steps stop. */
  readonly ending: AbortSignal;
  /** Remembers how `what` ends, and within which time; what was started last ends first. */
  onEnd(
    what: string,
    end: () => Promise<void> | void,
    options?: { readonly withinMs?: number },
  ): void;
  /** Something that everything else needs has ended by itself: everything ends, with this reason. */
  fail(error: Error): void;
}
