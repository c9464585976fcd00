import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startChild } from '../../src/local/child.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/support/tcp-proxy.ts';
import type { Ground } from './ground.ts';
import type { Pace } from './pace.ts';
import { Part, type PartKind, type Running } from './part.ts';
import { openWitness, type Witness } from './witness.ts';

/** What Dash's own processes are told. */
export interface DashSurroundings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly workflowBundle: string;
  readonly pace: Pace;
}

/** The longest that a timer can wait. */
const NEVER_MS = 2_147_483_647;
const STOP_GRACE_MS = 200;
const PROBE_TIMEOUT_MS = 2_000;

type OnCrash = (what: string) => void;

export interface ApiPart {
  readonly part: Part;
  readonly baseUrl: string;
  /** Written by the api when it has entered the key. */
  readonly keyFile: string;
}

export async function apiPart(
  ground: Ground,
  dash: DashSurroundings,
  onCrash: OnCrash,
): Promise<ApiPart> {
  const port = await ground.takePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const part = program(ground, {
    kind: 'api',
    name: 'api',
    file: 'api/main.ts',
    ...withClock(ground, 'api'),
    env: dashEnv(ground, 'api', dash, { DASH_API_PORT: String(port) }),
    readyUrl: `${baseUrl}/health/ready`,
    onCrash,
  });
  return { part, baseUrl, keyFile: join(ground.dir, 'api', 'admin-api-key') };
}

/** A control worker or a gateway host. */
export async function workerPart(
  ground: Ground,
  dash: DashSurroundings,
  options: { readonly kind: 'control' | 'host'; readonly name: string; readonly onCrash: OnCrash },
): Promise<Part> {
  const { kind, name, onCrash } = options;
  const port = await ground.takePort();
  const own = {
    DASH_WORKER_PORT: String(port),
    ...(kind === 'host' ? { DASH_HOST_ID: name } : {}),
  };
  return program(ground, {
    kind,
    name,
    file: kind === 'host' ? 'workers/gateway-host.ts' : 'workers/control.ts',
    ...withClock(ground, name),
    env: dashEnv(ground, name, dash, own),
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
    onCrash,
  });
}

export interface GatewayPart {
  readonly part: Part;
  readonly gatewayId: string;
  /** The way through the weather: what Dash is told. */
  readonly endpoint: string;
  readonly token: string;
  readonly lanes: number;
  readonly witness: Witness;
}

/**
 * A fake gateway whose state directory is a file: SIGKILL is the crash of a real one. Dash reaches it only by a way
 * that can be cut, choked and slowed; the gateway writes its wire log beyond it.
 */
export async function gatewayPart(
  ground: Ground,
  options: {
    readonly gatewayId: string;
    readonly lanes: number;
    /** After a boot, until it resumes what its crash interrupted; null: never. */
    readonly recoveryDelayMs: number | null;
    readonly onCrash: OnCrash;
  },
): Promise<GatewayPart> {
  const { gatewayId, lanes, recoveryDelayMs, onCrash } = options;
  const port = await ground.takePort();
  const way = await startTcpProxy({ host: '127.0.0.1', port });
  const token = `token-of-${gatewayId}`;
  const dir = join(ground.dir, gatewayId);
  mkdirSync(dir, { recursive: true });
  const wireLog = join(dir, 'wire.jsonl');
  const part = program(ground, {
    kind: 'gateway',
    name: gatewayId,
    file: 'src/gateway/fake-gateway/main.ts',
    args: [
      ...['--token', token, '--port', String(port)],
      ...['--state-file', join(dir, 'state.jsonl'), '--wire-log', wireLog],
      ...['--recovery-delay-ms', String(recoveryDelayMs ?? NEVER_MS)],
    ],
    env: { PATH: ground.env['PATH'] },
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    way,
    onCrash,
  });
  return {
    ...{ part, gatewayId, endpoint: `ws://127.0.0.1:${way.port}`, token, lanes },
    witness: openWitness({ gatewayId, lanes, path: wireLog }),
  };
}

/** A program whose wall clock can be set off while it lives. */
function withClock({ dir, root }: Ground, name: string): Pick<Program, 'clockFile' | 'nodeArgs'> {
  const clockFile = join(dir, name, 'clock-offset-ms');
  mkdirSync(dirname(clockFile), { recursive: true });
  writeFileSync(clockFile, '0');
  return { clockFile, nodeArgs: ['--import', join(root, 'scripts/chaos/jumping-clock.ts')] };
}

function dashEnv(
  ground: Ground,
  name: string,
  dash: DashSurroundings,
  own: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const dataDir = join(ground.dir, name);
  mkdirSync(dataDir, { recursive: true });
  return {
    PATH: ground.env['PATH'],
    HOME: ground.dir,
    DATABASE_URL: dash.databaseUrl,
    TEMPORAL_ADDRESS: dash.temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    DASH_WORKFLOW_BUNDLE: dash.workflowBundle,
    DASH_DATA_DIR: dataDir,
    DASH_SECRET_KEY: ground.secretKey,
    DASH_LOG_LEVEL: 'info',
    DASH_HOLD_HEARTBEAT_MS: String(dash.pace.holdHeartbeatMs),
    DASH_HOLD_TIMEOUT_MS: String(dash.pace.holdTimeoutMs),
    DASH_RUN_HEARTBEAT_MS: String(dash.pace.runHeartbeatMs),
    DASH_RUN_TIMEOUT_MS: String(dash.pace.runTimeoutMs),
    ...own,
  };
}

interface Program {
  readonly kind: PartKind;
  readonly name: string;
  /** Below the project. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly readyUrl: string;
  readonly way?: TcpProxy;
  readonly clockFile?: string;
  readonly onCrash: OnCrash;
}

function program(ground: Ground, options: Program): Part {
  const { kind, name, file, args = [], nodeArgs = [], readyUrl, way, clockFile, onCrash } = options;
  const clockEnv = clockFile === undefined ? {} : { CHAOS_CLOCK_FILE: clockFile };
  const launch = async (): Promise<Running> => {
    const child = await startChild({
      what: name,
      command: process.execPath,
      args: [...nodeArgs, join(ground.root, file), ...args],
      env: { ...options.env, ...clockEnv },
      logFile: join(ground.dir, 'logs', `${name}.log`),
      home: ground.home,
      clock: ground.clock,
      cwd: ground.root,
    });
    const { pid, exited } = child;
    return { pid, exited, stop: () => child.stop({ graceMs: STOP_GRACE_MS }) };
  };
  return new Part({
    ...{ kind, name, launch, isReady: () => answersWell(readyUrl), onCrash },
    ...(way === undefined ? {} : { way }),
    ...(clockFile === undefined ? {} : { clockFile }),
  });
}

/** True when the address answers, and well. */
export async function answersWell(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
