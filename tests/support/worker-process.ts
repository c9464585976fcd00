import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { testLaunchMark } from './launch-mark.ts';

/** A worker of Dash as a real process, to be killed, frozen and woken. */
export interface WorkerChild {
  readonly pid: number;
  /** Resolves when it has said that it is ready. */
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  /** null: it runs, or a signal ended it. */
  exitCode(): number | null;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, unless it has ended. */
  end(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');

/** Starts `workers/<name>.ts`; `env` is all of its environment but PATH and HOME. */
export function startWorkerChild(
  name: 'control' | 'gateway-host',
  env: Readonly<Record<string, string>>,
): WorkerChild {
  const home = mkdtempSync(join(tmpdir(), 'dash-worker-'));
  const dataDir = env['DASH_DATA_DIR'] ?? join(home, 'data');
  mkdirSync(dataDir, { recursive: true });
  const child: ChildProcess = spawn(process.execPath, [join(root, 'workers', `${name}.ts`)], {
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      DASH_DATA_DIR: dataDir,
      DASH_LOG_LEVEL: 'info',
      ...testLaunchMark(),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const logDir = process.env['DASH_TEST_LOG'];
  const copy =
    logDir === undefined ? null : createWriteStream(join(logDir, `${name}-${child.pid}.log`));
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      copy?.write(text);
    });
  }
  const exited = once(child, 'exit').then(() => undefined);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const saysReady = (): boolean => said.includes('is ready');
  const ready = eventually(() => hasEnded() || saysReady(), {
    timeoutMs: 40_000,
    what: `${name} to be ready`,
  }).then(() => {
    if (!saysReady()) throw new Error(`${name} ended: ${said.slice(-2_000)}`);
  });
  ready.catch(() => undefined);
  return {
    pid: child.pid ?? -1,
    ready,
    exited,
    exitCode: () => child.exitCode,
    output: () => said,
    signal: (signal) => void child.kill(signal),
    async end() {
      if (!hasEnded()) {
        child.kill('SIGKILL');
        await exited;
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}
