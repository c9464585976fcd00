/** Runs tests/support/programs/small-launcher.ts as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { signal } from '../../src/local/process-record.ts';
import { identityOf, isLiving, type ProcessIdentity } from '../../src/platform/processes.ts';

export interface SmallLauncher {
  readonly process: ChildProcess;
  readonly guard: ProcessIdentity;
  /** The three children and the two helpers. */
  readonly started: readonly ProcessIdentity[];
  /** Those of them that still live. */
  living(): readonly number[];
}

const program = join(import.meta.dirname, 'programs', 'small-launcher.ts');

/** Starts one and answers when its children run. */
export async function startSmallLauncher(dataDir: string): Promise<SmallLauncher> {
  const child = spawn(process.execPath, [program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const said = JSON.parse(line.toString()) as {
    guard: number;
    children: number[];
    helpers: number[];
  };
  const started = [...said.children, ...said.helpers].map(identify);
  return {
    process: child,
    guard: identify(said.guard),
    started,
    living: () => started.filter((one) => isLiving(one)).map(({ pid }) => pid),
  };
}

/** Runs one that is expected to refuse; answers its exit code and what it said. */
export async function runSmallLauncher(dataDir: string): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [program, dataDir], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

/** Ends whatever a failed test may have left: only processes this launcher started, by their identity. */
export function sweep(launcher: SmallLauncher): void {
  launcher.process.kill('SIGKILL');
  for (const one of [...launcher.started, launcher.guard])
    if (isLiving(one)) signal(one.pid, 'SIGKILL');
}

function identify(pid: number): ProcessIdentity {
  const identity = identityOf(pid);
  if (identity === undefined) throw new Error(`process ${pid} has ended already`);
  return identity;
}
