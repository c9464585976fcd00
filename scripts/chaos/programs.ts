import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startChild } from '../../src/local/child.ts';
import type { Ground } from './ground.ts';
import { Part, type PartKind, type Running } from './part.ts';

/** What Dash's own processes are told; short durations, so that a loss is noticed within seconds. */
export interface DashSurroundings {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly workflowBundle: string;
}

const DURATIONS = {
  DASH_HOLD_HEARTBEAT_MS: '500',
  DASH_HOLD_TIMEOUT_MS: '3000',
  DASH_RUN_HEARTBEAT_MS: '1000',
  DASH_RUN_TIMEOUT_MS: '3000',
} as const;

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
    env: dashEnv(ground, name, dash, own),
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
    onCrash,
  });
}

export interface GatewayPart {
  readonly part: Part;
  readonly gatewayId: string;
  readonly endpoint: string;
  readonly token: string;
  readonly lanes: number;
  readonly wireLog: string;
}

/** A fake gateway whose state directory is a file: SIGKILL is the crash of a real one. */
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
    onCrash,
  });
  return { part, gatewayId, endpoint: `ws://127.0.0.1:${port}`, token, lanes, wireLog };
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
    ...DURATIONS,
    ...own,
  };
}

interface Program {
  readonly kind: PartKind;
  readonly name: string;
  /** Below the project. */
  readonly file: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly readyUrl: string;
  readonly onCrash: OnCrash;
}

function program(ground: Ground, options: Program): Part {
  const { kind, name, file, args = [], env, readyUrl, onCrash } = options;
  const launch = async (): Promise<Running> => {
    const child = await startChild({
      what: name,
      command: process.execPath,
      args: [join(ground.root, file), ...args],
      env,
      logFile: join(ground.dir, 'logs', `${name}.log`),
      home: ground.home,
      clock: ground.clock,
      cwd: ground.root,
    });
    const { pid, exited } = child;
    return { pid, exited, stop: () => child.stop({ graceMs: STOP_GRACE_MS }) };
  };
  return new Part({ kind, name, launch, isReady: () => answersWell(readyUrl), onCrash });
}

async function answersWell(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
