import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

import type { Clock } from '../../platform/clock.ts';
import { listensOn } from '../../platform/listeners.ts';
import { identityOf, isLiving, type ProcessIdentity } from '../../platform/processes.ts';
import { probeReady } from '../probe-ready.ts';
import { writeGatewayConfig, type GatewayConfigOptions } from './gateway-config.ts';
import { gatewayEnv, type GatewayEnvOptions } from './gateway-env.ts';
import { failureOfExit, lastWords, type StartFailure } from './start-failure.ts';

export interface StartGatewayOptions {
  /** Absolute path of a Node that OpenClaw accepts (>= 24.16). */
  readonly nodePath: string;
  /** `openclaw.mjs` of the installed package. */
  readonly entryPath: string;
  readonly config: GatewayConfigOptions;
  readonly environment: Pick<GatewayEnvOptions, 'path' | 'tmpDir' | 'marks'>;
  /** In a session of its own it outlives the process that started it, and is found again. */
  readonly detached: boolean;
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  /** Called in the tick of the start, so that a note about it can be written before anything can be killed. */
  readonly onSpawned?: (process: GatewayProcess) => void;
  /** Gives the start up: the process is asked to end, and killed soon after. */
  readonly signal?: AbortSignal;
}

export type StartedGateway =
  | { readonly kind: 'ready'; readonly process: GatewayProcess }
  | { readonly kind: 'failed'; readonly failure: StartFailure };

/** A gateway's process, started by this program or found again. */
export interface GatewayProcess {
  readonly identity: ProcessIdentity;
  readonly endpoint: string;
  isLiving(): boolean;
  /** Resolves when the process has ended, however it ended. */
  exited(signal?: AbortSignal): Promise<void>;
  /** SIGTERM, and SIGKILL for what is left after `graceMs`. True when SIGTERM was enough. */
  end(options: { readonly graceMs: number }): Promise<boolean>;
  kill(): Promise<void>;
}

const LOG_LIMIT_BYTES = 8 * 1024 * 1024;
const POLL_MS = 100;
const PROBE_TIMEOUT_MS = 2000;
const KILL_WAIT_MS = 5000;
/** A start that is given up gets SIGKILL after this: a gateway counts starts that were killed against itself. */
const INTERRUPT_GRACE_MS = 5000;

/**
 * Writes the configuration, starts the gateway and waits until it takes work. Whatever goes wrong comes back as a
 * `StartFailure` with the gateway's own words, and no process is left behind.
 */
export async function startGatewayProcess(options: StartGatewayOptions): Promise<StartedGateway> {
  if (options.signal?.aborted) return INTERRUPTED;
  const paths = writeGatewayConfig(options.config);
  rotate(paths.outputPath);
  const log = openSync(paths.outputPath, 'a', 0o600);
  const offset = statSync(paths.outputPath).size;
  const output = (): string => readFileSync(paths.outputPath, 'utf8').slice(offset);
  const child = spawnGateway(options, log);
  closeSync(log);
  const end = exitOf(child);
  const identity = child.pid === undefined ? undefined : identityOf(child.pid);
  if (identity === undefined) {
    const { error } = await end;
    return {
      kind: 'failed',
      failure: { kind: 'not-startable', words: error ?? lastWords(output()) },
    };
  }
  const process = gatewayProcess({
    identity,
    port: options.config.port,
    ownsGroup: options.detached,
    clock: options.clock,
  });
  try {
    options.onSpawned?.(process);
  } catch (error) {
    // Without its note nobody would find it again.
    child.kill('SIGKILL');
    throw error;
  }
  child.unref();
  return waitUntilReady({ options, process, end, output });
}

/**
 * The gateway that an earlier process of Dash started, by pid, start time and port; null when it has ended or does
 * not answer on its port.
 */
export async function findGatewayProcess(options: {
  readonly identity: ProcessIdentity;
  readonly port: number;
  readonly detached: boolean;
  readonly clock: Clock;
}): Promise<GatewayProcess | null> {
  const { identity, port, detached, clock } = options;
  if (!isLiving(identity) || !listensOn(identity.pid, port)) return null;
  const found = gatewayProcess({ identity, port, ownsGroup: detached, clock });
  const readiness = await probeReady({ endpoint: found.endpoint, timeoutMs: PROBE_TIMEOUT_MS });
  return readiness.kind === 'unreachable' ? null : found;
}

const INTERRUPTED: StartedGateway = {
  kind: 'failed',
  failure: { kind: 'interrupted', words: 'the start was given up' },
};

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The program could not be started. */
  readonly error: string | null;
}

function spawnGateway(options: StartGatewayOptions, log: number): ChildProcess {
  const { nodePath, entryPath, config, environment, detached } = options;
  const args = [entryPath, 'gateway', 'run', '--bind', 'loopback', '--port', String(config.port)];
  return spawn(nodePath, args, {
    cwd: config.dir,
    env: gatewayEnv({ dir: config.dir, model: config.model, ...environment }),
    stdio: ['ignore', log, log],
    detached,
  });
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error: error.message }));
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
  });
}

async function waitUntilReady(attempt: {
  readonly options: StartGatewayOptions;
  readonly process: GatewayProcess;
  readonly end: Promise<Exit>;
  readonly output: () => string;
}): Promise<StartedGateway> {
  const { options, process, end, output } = attempt;
  const { clock } = options;
  const deadline = clock.monotonic() + options.startTimeoutMs;
  let exit: Exit | null = null;
  void end.then((how) => {
    exit = how;
  });
  for (;;) {
    const readiness = await probeReady({ endpoint: process.endpoint, timeoutMs: PROBE_TIMEOUT_MS });
    if (exit !== null) return { kind: 'failed', failure: failureOfExit(exit, output()) };
    // Another gateway that was there before answers on the port too, until this one finds it taken and ends.
    const isOwn = listensOn(process.identity.pid, options.config.port);
    if (readiness.kind === 'ready' && isOwn) return { kind: 'ready', process };
    if (options.signal?.aborted) {
      await process.end({ graceMs: INTERRUPT_GRACE_MS });
      return INTERRUPTED;
    }
    if (clock.monotonic() >= deadline) {
      await process.kill();
      return { kind: 'failed', failure: { kind: 'timeout', words: lastWords(output()) } };
    }
    await Promise.race([clock.sleep(POLL_MS, options.signal), end]);
  }
}

function gatewayProcess(options: {
  readonly identity: ProcessIdentity;
  readonly port: number;
  readonly ownsGroup: boolean;
  readonly clock: Clock;
}): GatewayProcess {
  const { identity, port, ownsGroup, clock } = options;
  const signal = (name: NodeJS.Signals, wholeGroup: boolean): void => {
    if (!wholeGroup && !isLiving(identity)) return;
    try {
      process.kill(wholeGroup ? -identity.pid : identity.pid, name);
    } catch {
      // It ended between the look and the signal.
    }
  };
  const exited = async (stop?: AbortSignal): Promise<void> => {
    while (isLiving(identity) && stop?.aborted !== true) await clock.sleep(POLL_MS, stop);
  };
  const kill = async (): Promise<void> => {
    const wasLiving = isLiving(identity);
    signal('SIGKILL', false);
    // Its helpers share its process group; the group is its own only when it was started detached.
    if (ownsGroup && wasLiving) signal('SIGKILL', true);
    await exited(AbortSignal.timeout(KILL_WAIT_MS));
  };
  return {
    identity,
    endpoint: `ws://127.0.0.1:${port}`,
    isLiving: () => isLiving(identity),
    exited,
    kill,
    end: async ({ graceMs }) => {
      signal('SIGTERM', false);
      await exited(AbortSignal.timeout(graceMs));
      if (!isLiving(identity)) return true;
      await kill();
      return false;
    },
  };
}

/** One earlier file is kept, so that the words of a crash survive the next start. */
function rotate(path: string): void {
  try {
    if (statSync(path).size > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is no log yet.
  }
}
