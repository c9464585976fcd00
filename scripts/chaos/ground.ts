import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDir } from '../../src/config/project-dir.ts';
import type { ProcessHome } from '../../src/local/child.ts';
import { isFree } from '../../src/local/free-port.ts';
import { startGuard, type Guard } from '../../src/local/guard.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';

/** What all parts of one chaos run stand on. */
export interface Ground {
  readonly root: string;
  /** Data, logs and wire logs of this run. */
  readonly dir: string;
  readonly home: ProcessHome;
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly secretKey: string;
  /** Ends all parts when this process is killed. */
  readonly guard: Guard;
  /** A port that stays this part's own over all its lives. */
  takePort(): Promise<number>;
  remove(): void;
}

/**
 * Below the range from which the system gives ports to outgoing connections: a part that is down must find its port
 * free again, and a client that knocks at the port meanwhile must not be given it.
 */
const PORTS = { from: 20_000, to: 32_000 } as const;

/** Makes the directory of a run, and the guard over its processes. */
export async function prepareGround(options: {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
}): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'dash-chaos-'));
  // PostgreSQL runs as another account when this is run by root.
  chmodSync(dir, 0o755);
  const home = { recordsDir: join(dir, 'processes'), launchId: randomBytes(8).toString('hex') };
  const guard = await startGuard({
    home,
    logFile: join(dir, 'logs', 'guard.log'),
    env: options.env,
  });
  let next = randomInt(PORTS.from, PORTS.to - 1_000);
  return {
    ...options,
    root: projectDir(),
    dir,
    home,
    guard,
    secretKey: newSecretKey(),
    async takePort() {
      for (; next < PORTS.to; next += 1) {
        if (!(await isFree(next))) continue;
        next += 1;
        return next - 1;
      }
      throw new Error(`no free port up to ${PORTS.to}: end programs that hold very many ports`);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
