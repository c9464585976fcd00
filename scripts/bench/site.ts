import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessHome } from '../../src/local/child.ts';
import { startGuard } from '../../src/local/guard.ts';
import { createProgress, type Progress } from '../../src/local/progress.ts';
import { systemClock } from '../../src/platform/clock.ts';

/** A directory, and everything that lives in it until `close`. */
export class Site {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock = systemClock();
  readonly home: ProcessHome;
  readonly progress: Progress;
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.env = env;
    this.home = {
      recordsDir: join(dir, 'processes'),
      launchId: randomBytes(8).toString('hex'),
    };
    this.progress = createProgress({ stream: process.stderr, clock: this.clock, color: false });
    this.onEnd(async () => rmSync(dir, { recursive: true, force: true }));
  }

  onEnd(end: () => Promise<void>): void {
    this.#ends.unshift(end);
  }

  async openGuard(): Promise<void> {
    const { home, dir, env } = this;
    const guard = await startGuard({ home, logFile: join(dir, 'guard.log'), env });
    this.onEnd(() => guard.dismiss());
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
  }
}
