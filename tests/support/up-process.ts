/** `dashctl up` as a process of its own, and whatever it starts, for tests that kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecords, signal } from '../../src/local/process-record.ts';
import { markedWith, type ProcessIdentity } from '../../src/platform/processes.ts';
import { eventually } from './eventually.ts';
import { testLaunchMark } from './launch-mark.ts';

export interface UpProcess {
  readonly pid: number;
  /** Everything it wrote on stdout and stderr so far. */
  said(): string;
  stdout(): string;
  /** Waits until it has said this. Fails with what it said instead. */
  saysWithin(words: string | RegExp, timeoutMs: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** From then on its pid may belong to another process. */
  hasEnded(): boolean;
  /** Its exit code, null after a signal. */
  readonly exited: Promise<number | null>;
  /** Waits for its end. Fails with what it said when the exit code is another one. */
  endsWith(code: number): Promise<void>;
  /** The processes it has recorded now, by what they are: `PostgreSQL`, `Temporal`, `OpenClaw gateway local-1`. */
  children(): ReadonlyMap<string, ProcessIdentity>;
  /** Whatever carries the mark of this launch and lives: its children, their helpers. */
  livingOfLaunch(): number[];
  guards(): number[];
}

const root = join(import.meta.dirname, '..', '..');
/** With the fake gateway behind everything that is real. */
export const UP_WITH_FAKE_GATEWAY = join(root, 'tests/support/programs/up-with-fake-gateway.ts');
/** With the real one. */
export const UP = join(root, 'cli/main.ts');

/** What was killed is missed after three seconds, not after ten and thirty. */
export const QUICK = {
  DASH_HOLD_HEARTBEAT_MS: '500',
  DASH_HOLD_TIMEOUT_MS: '3000',
  DASH_RUN_HEARTBEAT_MS: '1000',
  DASH_RUN_TIMEOUT_MS: '3000',
};
/** The workflows as a container has them: already bundled, which saves each start two seconds of CPU. */
export const BUNDLED = { DASH_WORKFLOW_BUNDLE: process.env['DASH_TEST_WORKFLOW_BUNDLE'] ?? '' };

/** Starts it; `env` comes over a bare environment, so that no key and no address of the tester leaks in. */
export function startUp(options: {
  program: string;
  dataDir: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}): UpProcess {
  const child = spawn(
    process.execPath,
    [options.program, 'up', '--data-dir', options.dataDir, ...options.args],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: bareEnvironment({ ...testLaunchMark(), ...options.env }),
    },
  );
  return observe(child, options.dataDir);
}

/** Runs one other command of dashctl against the instance of a data directory; answers its exit code and stdout. */
export async function callDashctl(
  dataDir: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string }> {
  const child = spawn(process.execPath, [UP, '--data-dir', dataDir, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: bareEnvironment(),
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

function bareEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = [
    'PATH',
    'HOME',
    'TMPDIR',
    'DASH_CACHE_DIR',
    'npm_config_cache',
    'npm_config_registry',
  ];
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), ...more };
}

function observe(child: ChildProcess, dataDir: string): UpProcess {
  let said = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const pid = child.pid ?? 0;
  let launchId = '';
  const rememberLaunch = (): void => {
    if (launchId !== '') return;
    try {
      const holder = JSON.parse(readFileSync(join(dataDir, 'launcher.json'), 'utf8')) as {
        pid: number;
        launchId: string;
      };
      if (holder.pid === pid) launchId = holder.launchId;
    } catch {
      // It has not taken the directory yet.
    }
  };
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid,
    exited,
    endsWith: async (code) => {
      const ended = await exited;
      if (ended === code) return;
      const how = child.signalCode ?? `exit code ${ended}`;
      throw new Error(`${how} instead of ${code}; it said:\n${said}`);
    },
    said: () => said,
    stdout: () => stdout,
    kill: (name) => void child.kill(name),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    saysWithin: async (words, timeoutMs) => {
      let hasClosed = false;
      void exited.then(() => (hasClosed = true));
      const says = (): boolean =>
        typeof words === 'string' ? said.includes(words) : words.test(said);
      await eventually(
        () => {
          rememberLaunch();
          return says() || hasClosed;
        },
        { timeoutMs, everyMs: 50, what: `"${String(words)}" in the output` },
      ).catch((error: unknown) => {
        throw new Error(`no "${String(words)}"; it said:\n${said}`, { cause: error });
      });
      if (says()) return;
      const how = child.signalCode ?? `exit code ${child.exitCode}`;
      throw new Error(`it ended (${how}) without saying "${String(words)}"; it said:\n${said}`);
    },
    children: () =>
      new Map(readRecords(join(dataDir, 'processes')).map((record) => [record.what, record])),
    guards: () => {
      rememberLaunch();
      return launchId === '' ? [] : guardsOf(launchId);
    },
    livingOfLaunch: () => {
      rememberLaunch();
      return launchId === '' ? [] : markedWith(launchId).map((info) => info.pid);
    },
  };
}

/** Kills at once, as a machine does that loses its power: the launcher, its guard, and whatever of this launch lives. */
export function killEverything(up: UpProcess): void {
  const victims = [...(up.hasEnded() ? [] : [up.pid]), ...up.livingOfLaunch(), ...up.guards()];
  for (const pid of victims) signal(pid, 'SIGKILL');
}

/** The guard does not carry the mark of its launch, but was called with it. */
function guardsOf(launchId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const call = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return call.includes(launchId) && call.some((part) => part.includes('guard-main'));
      } catch {
        return false;
      }
    })
    .map(Number);
}
